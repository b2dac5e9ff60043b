-- take: visits move URLs from their hosts' queues into flight.
-- KEYS[1]  the shard's base
-- ARGV[1]  lease in milliseconds; then for each visit: host, epoch, the most URLs, milliseconds
--          between requests, and in a continuous job the most URLs of the low band and of the others
--          together ('' and '' otherwise)
-- Returns  for each visit a list, which is empty if it no longer holds its host: the host's rules,
--          other jobs that want it, '1' if the visit is recalled, which ration left URLs waiting
--          ('low', 'others' or ''), the band of a sealed block that comes next, followed by the block
--          ('' if none does), then ticket, packed entry, ticket, packed entry, …

local lease, answers, deadlines, visits = ARGV[1], {}, {}, {}
for at = 2, #ARGV, 6 do
  local host, epoch = ARGV[at], ARGV[at + 1]
  local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'rules', 'rivals', 'recalled', 'gap', 'ticket', 'bands',
    'sealed')
  local answer = {}
  answers[#answers + 1] = answer
  if h[1] == 'open' and h[2] == epoch then
    deadlines[#deadlines + 1], deadlines[#deadlines + 2] = now_ms() + lease, host
    answer[1], answer[2], answer[3] = h[3] or '', h[4] or '', h[5] or ''
    visits[#visits + 1] = { at, h, answer }
  end
end
if #visits == 0 then return answers end
redis.call('ZADD', OPEN, unpack(deadlines)) -- first, so that a full Redis refuses it
sum_counts()
for _, visit in ipairs(visits) do
  local at, h, answer = unpack(visit)
  local host, most, gap = ARGV[at], tonumber(ARGV[at + 2]), ARGV[at + 3]
  local rations = ARGV[at + 4] ~= '' and { low = tonumber(ARGV[at + 4]), others = tonumber(ARGV[at + 5]) }
  local bands, entries, rationed, behind = take_waiting(host, most, h[8], h[9], rations)
  answer[4], answer[5] = rationed or '', behind or ''
  if #entries > 0 then
    put_in_flight(host, bands, entries, h[7], answer, 'gap', gap)
  elseif h[6] ~= gap then
    redis.call('HSET', HOST(host), 'gap', gap)
  end
end
write_counts()
return answers
