-- settle: URLs leave flight with their outcomes; those to be tried again wait. A URL
-- whose record is in a segment that is not shipped yet is remembered with it, so
-- that it can be fetched again if the segment is lost.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, the segment ('' when records are safe
--          already), milliseconds in which its worker must be heard of, '1' to remember
--          the URLs themselves and '0' to count them; and for each URL: ticket, outcome,
--          bytes, packed entry when it is to be tried again, milliseconds until then, and
--          flags: 'o' left out because of a budget of the host, 'i' a required field is missing
-- Returns  how many were in flight

local host, epoch, lease, segment, term = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not holds(host, epoch) then return STALE end
local now = now_ms()
extend(host, lease)

local outcomes, bytes, settled, retries, over, incomplete, kept = {}, 0, 0, 0, 0, 0, {}
for i = 7, #ARGV, 6 do
  local ticket, outcome, entry, flags = ARGV[i], ARGV[i + 1], ARGV[i + 3], ARGV[i + 5]
  local flight = segment ~= '' and redis.call('HGET', FLIGHT(host), ticket) -- to be remembered
  if redis.call('HDEL', FLIGHT(host), ticket) == 1 then
    settled = settled + 1
    outcomes[outcome] = (outcomes[outcome] or 0) + 1
    bytes = bytes + tonumber(ARGV[i + 2])
    if string.find(flags, 'o', 1, true) then over = over + 1 end
    if string.find(flags, 'i', 1, true) then incomplete = incomplete + 1 end
    if entry ~= '' then
      redis.call('ZADD', LATER(host), now + ARGV[i + 4], pack_later(string.sub(ticket, 1, 1), entry))
      retries = retries + 1
    elseif segment ~= '' then
      kept[#kept + 1] = outcome .. ' ' .. ARGV[i + 2] .. ' -' .. flags .. ' ' .. string.sub(ticket, 1, 1) .. ' ' .. host .. ' ' .. flight
    end
  end
end
for outcome, n in pairs(outcomes) do count('outcome:' .. outcome, n) end
if outcomes.fetched then
  redis.call('HINCRBY', HOST(host), 'pages', outcomes.fetched)
  redis.call('HINCRBY', HOST(host), 'turn', outcomes.fetched)
end
count('over', over)
count('incomplete', incomplete)
count('bytes', bytes)
count('flight', -settled)
count('waiting', retries)
if #kept > 0 then
  redis.call('ZADD', SEGMENTS, now + term, segment)
  redis.call('HINCRBY', UNSHIPPED, segment, #kept)
  count(ARGV[6] == '1' and 'unshipped' or 'ondisk', #kept)
  for i = 1, #kept, 1000 do -- unpack has a limit
    if ARGV[6] ~= '1' then break end
    redis.call('RPUSH', SEGMENT(segment), unpack(kept, i, math.min(i + 999, #kept)))
  end
end
return settled
