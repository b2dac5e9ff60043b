-- settle: URLs leave flight with their outcomes; those to be tried again wait.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, how many are left out because of a
--          budget of the host, how many lack a required field, and for each URL:
--          ticket, outcome, bytes, packed entry when it is to be tried again, milliseconds until then
-- Returns  how many were in flight

local host, epoch, lease = ARGV[1], ARGV[2], ARGV[3]
local over, incomplete = tonumber(ARGV[4]), tonumber(ARGV[5])
if not holds(host, epoch) then return STALE end
local now = now_ms()
extend(host, lease)

local outcomes, bytes, settled, retries = {}, 0, 0, 0
for i = 6, #ARGV, 5 do
  local ticket, outcome, entry = ARGV[i], ARGV[i + 1], ARGV[i + 3]
  if redis.call('HDEL', FLIGHT(host), ticket) == 1 then
    settled = settled + 1
    outcomes[outcome] = (outcomes[outcome] or 0) + 1
    bytes = bytes + tonumber(ARGV[i + 2])
    if entry ~= '' then
      redis.call('ZADD', LATER(host), now + ARGV[i + 4], entry)
      retries = retries + 1
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
return settled
