-- settle: takes URLs out of flight with their outcomes; URLs to be retried wait. If the record of
-- a URL is in a segment that is not shipped yet, the URL is stored with that segment, so that it
-- can be fetched again if the segment is lost.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, the segment ('' if the records are safe already),
--          milliseconds within which its worker must report again, '1' to store the URLs
--          themselves or '0' to count them; the number of counters of skipped URLs, then the name
--          and value of each; then for each URL: ticket, outcome, bytes, packed entry if it is to
--          be retried, milliseconds until then, and flags: 'o' skipped because of a budget of the
--          host, 'i' a required field is missing
-- Returns  pages fetched in the visit, including these. The call may be repeated; what Redis lost
--          meanwhile does not count

local MOST_MUTED = 100 -- crawler.MostMuted
local host, epoch, lease, segment, term = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local h = redis.call('HMGET', HOST(host), 'state', 'epoch', 'turn')
if h[1] ~= 'open' or h[2] ~= epoch then return STALE end
local now = now_ms()
extend(host, lease)

local outcomes, bytes, settled, retries, over, incomplete, kept = {}, 0, 0, 0, 0, 0, {}
local behind = 8 + 2 * tonumber(ARGV[7])
for i = behind, #ARGV, 6 do
  local ticket, outcome, entry, flags = ARGV[i], ARGV[i + 1], ARGV[i + 3], ARGV[i + 5]
  local flight = segment ~= '' and redis.call('HGET', FLIGHT(host), ticket) -- needed if it is stored with the segment
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
local turn = tonumber(h[3] or 0)
if outcomes.fetched then
  redis.call('HINCRBY', HOST(host), 'pages', outcomes.fetched)
  turn = redis.call('HINCRBY', HOST(host), 'turn', outcomes.fetched)
end
if settled > 0 then -- otherwise this is a repeated call
  for i = 8, behind - 1, 2 do
    local name = ARGV[i]
    if string.sub(name, 1, 6) == 'muted:' and redis.call('HEXISTS', COUNT, name) == 0 then
      local patterns = tonumber(redis.call('HGET', COUNT, 'patterns') or 0)
      if patterns < MOST_MUTED then count('patterns', 1) else name = 'mutedmore' end
    end
    count(name, tonumber(ARGV[i + 1]))
  end
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
return turn
