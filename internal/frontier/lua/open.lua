-- open: visits with the epochs of armed hosts take their hosts, and their first URLs. A call that
-- is repeated, because its answer was lost, returns the same URLs.
-- KEYS[1]  the shard's base
-- ARGV[1]  lease in milliseconds; then for each visit: host, epoch, worker, the most URLs (0:
--          none), milliseconds between requests that the job owes every host, milliseconds for
--          which URLs are taken, the visit's name of the call ('': it is not repeated)
-- Returns  for each visit a list, which is empty if its epoch is not the host's: milliseconds until
--          a request may be made; pages fetched by earlier visits; consecutive failures of the
--          host, and the last one's reason; the host's rules; its traps; milliseconds since the
--          last request of an earlier visit, -1 if unknown; milliseconds between requests that it
--          owed the host; the error class of the last failure; how many URLs were wanted; how long
--          its responses took (package latency); then ticket, packed entry, ticket, packed entry, …

local lease, now, answers, visits, hosts, deadlines = ARGV[1], now_ms(), {}, {}, {}, {}
for at = 2, #ARGV, 7 do
  local host, epoch, call = ARGV[at], ARGV[at + 1], ARGV[at + 6]
  local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'next', 'pages', 'strikes', 'trouble', 'rules', 'traps',
    'last', 'gap', 'class', 'ticket', 'call', 'latency', 'bands', 'sealed')
  local again = h[1] == 'open' and call ~= '' and h[13] == call
  local answer = {}
  answers[#answers + 1] = answer
  if h[2] == epoch and (h[1] == 'armed' or again) and not hosts[host] then
    hosts[host] = true -- a task that was delivered twice may open its visit twice in this call
    hosts[#hosts + 1] = host
    deadlines[#deadlines + 1], deadlines[#deadlines + 2] = now + lease, host
    visits[#visits + 1] = { at, h, again, answer }
  end
end
if #visits == 0 then return answers end
redis.call('ZREM', ARMED, unpack(hosts))
redis.call('ZADD', OPEN, unpack(deadlines))
sum_counts()
for _, visit in ipairs(visits) do
  local at, h, again, answer = unpack(visit)
  local host, worker, call = ARGV[at], ARGV[at + 2], ARGV[at + 6]
  local most, gap, ahead, owed = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(h[10] or 0)
  -- A host that an operator has ruled on, or that fails, is left to the visit.
  if h[5] or h[7] then most = 0 end
  gap = math.max(gap, owed)
  if gap > 0 then most = math.min(most, math.max(1, math.floor(ahead / gap))) end
  answer[1], answer[2], answer[3] = math.max(0, tonumber(h[3] or 0) - now), tonumber(h[4] or 0), tonumber(h[5] or 0)
  answer[4], answer[5], answer[6] = h[6] or '', h[7] or '', h[8] or ''
  answer[7] = h[9] and math.max(0, now - tonumber(h[9])) or -1
  answer[8], answer[9], answer[10], answer[11] = owed, h[11] or '', most, h[14] or ''
  if again then
    for _, url in ipairs(in_flight(host)) do
      answer[#answer + 1], answer[#answer + 2] = url[3], url[4]
    end
  else
    count('visits', 1)
    local bands, entries, rationed, behind = {}, {}
    if most > 0 then bands, entries, rationed, behind = take_waiting(host, most, h[15], h[16]) end
    if behind then answer[10] = #entries end -- there are more, in a sealed block
    if #entries > 0 then
      put_in_flight(host, bands, entries, h[12], answer, 'state', 'open', 'worker', worker, 'call', call, 'turn', 0,
        'gap', string.format('%d', gap))
    else
      redis.call('HSET', HOST(host), 'state', 'open', 'worker', worker, 'call', call, 'turn', 0)
    end
  end
end
write_counts()
return answers
