-- settle: visits take URLs out of flight with their outcomes; URLs to be retried wait. If the record
-- of a URL is in a segment that is not shipped yet, the URL is stored with that segment, so that it
-- can be fetched again if the segment is lost. A visit that may end gives its host back in the same
-- call, as close does, if the host has no URL left.
-- KEYS[1]  the shard's base
-- ARGV[1]  lease in milliseconds; then for each visit: the number of its arguments, and these:
--          host, epoch, '1' if the visit may end; then, if it may, 15 arguments as for close, behind
--          the epoch; then the segment ('' if the records are safe already), milliseconds within
--          which its worker must report again, '1' to store the URLs themselves or '0' to count
--          them; the number of counters of skipped URLs, then the name and value of each (no
--          counters are 'failed:CAUSE', whose value is a URL that failed, and 'prior:PATTERN', whose
--          value is what is known of the pages of a pattern of URLs); then for each URL: ticket,
--          outcome, bytes, packed entry if it is to be retried, milliseconds until then, flags: 'o'
--          skipped because of a budget of the host, 'i' a required field is missing, 'nN' handlers
--          emitted N items; and, in a continuous job, what is known of the page now, as track takes
--          it ('' otherwise)
-- Returns  for each visit: pages fetched in it, including these, or -1 if it no longer holds its
--          host; 1 if it has ended; other jobs that want the host, if it has. The call may be
--          repeated; what Redis lost meanwhile does not count

local lease, at, answer, ended, staying = ARGV[1], 2, {}, {}, {}

-- read_host returns fields of a host, by name: all if its visit may end.
local function read_host(host, may_end)
  if may_end then return fields_of(host) end
  local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'turn', 'pages')
  return { state = h[1], epoch = h[2], turn = h[3], pages = h[4] }
end

-- settle_one settles the URLs of the visit whose arguments are ARGV[at] to ARGV[last].
local function settle_one(last)
  local host, epoch, may_end = ARGV[at], ARGV[at + 1], ARGV[at + 2] == '1'
  local h = read_host(host, may_end)
  if may_end and h.state ~= 'open' then
    local was = peek(host, 'state', 'epoch', 'turn', 'seen')
    -- The host has been idle since this visit: an earlier call has ended it. If the visit had been
    -- swept, the URLs to be settled would wait.
    if not was[1] and was[2] == epoch then return tonumber(was[3]), 1, '' end
  end
  if h.state ~= 'open' or h.epoch ~= epoch then return -1, 0, '' end
  local counts = settle_urls(host, at + (may_end and 18 or 3), last, h.turn, h.pages)
  local pages = counts[2]
  if may_end and idle(host) then
    ended[#ended + 1] = host
    give_back(host, at + 3, h.rivals, h.woken, h.address, counts, ARGV[last] == '' and h or true)
    return pages, 1, h.rivals or ''
  end
  staying[#staying + 1], staying[#staying + 2] = now_ms() + lease, host
  redis.call('HSET', HOST(host), unpack(counts))
  return pages, 0, ''
end

sum_counts()
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  at = at + 1
  answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = settle_one(last)
  at = last + 1
end
write_counts()
if #ended > 0 then redis.call('ZREM', OPEN, unpack(ended)) end
if #staying > 0 then redis.call('ZADD', OPEN, unpack(staying)) end
return answer
