-- ration: a visit of a continuous job asks how many URLs it may take: of the low band, in which
-- pages wait that are fetched again, and of the others. Both have a bucket that fills with time,
-- and never holds more than it gets in the burst. What one cannot hold goes to the other.
-- KEYS[1]  the ration of the job
-- ARGV[1]  URLs that may be fetched again a day
-- ARGV[2]  other URLs a day
-- ARGV[3]  the burst in milliseconds
-- ARGV[4]  URLs wanted of the low band; negative: as many are given back
-- ARGV[5]  other URLs wanted; likewise
-- ARGV[6]  'low' or 'others' to line up for that bucket: the visit found nothing else; '' otherwise
-- Returns  URLs granted of the low band, others granted, milliseconds until it is the visit's turn

local key = KEYS[1]
local per_day = { low = tonumber(ARGV[1]), others = tonumber(ARGV[2]) }
local burst, line = tonumber(ARGV[3]), ARGV[6]
local want = { low = tonumber(ARGV[4]), others = tonumber(ARGV[5]) }
local DAY = 86400000
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function number(text) return tonumber(text or '') end

local h = redis.call('HMGET', key, 'at', 'low', 'others', 'line:low', 'line:others')
local at = number(h[1]) or now - burst
local elapsed = math.max(0, math.min(now - at, burst))
local held, most = { low = number(h[2]) or 0, others = number(h[3]) or 0 }, {}
for name, rate in pairs(per_day) do
  most[name] = math.max(1, rate * burst / DAY)
  held[name] = held[name] + rate * elapsed / DAY
end
for name, other in pairs({ low = 'others', others = 'low' }) do
  local over = held[name] - most[name]
  if over > 0 then
    held[name] = most[name]
    held[other] = math.min(math.max(held[other], most[other]), held[other] + over)
  end
end

local granted = {}
for name, n in pairs(want) do
  granted[name] = math.max(math.min(n, 0), math.min(n, math.floor(held[name])))
  held[name] = held[name] - granted[name]
end
local spent, hour = granted.low + granted.others, math.floor(now / 3600000)
if spent ~= 0 and redis.call('HINCRBY', key, 'hour:' .. string.format('%d', hour), spent) == spent then
  for _, field in ipairs(redis.call('HKEYS', key)) do -- it is the first of this hour
    local other = tonumber(string.match(field, '^hour:(%d+)$') or '')
    if other and math.abs(hour - other) > 24 then redis.call('HDEL', key, field) end
  end
end
redis.call('HSET', key, 'at', string.format('%d', now), 'low', string.format('%.6f', held.low), 'others',
  string.format('%.6f', held.others))
if line == '' then return { granted.low, granted.others, 0 } end

-- The line moves on by one URL for each visit that lines up, so that all have their turn.
local rate = math.max(per_day[line], 1e-3) / DAY
local first = now + math.max(0, 1 - held[line]) / rate
local turn = math.max(first, number(h[line == 'low' and 4 or 5]) or 0)
turn = math.min(turn, now + DAY)
redis.call('HSET', key, 'line:' .. line, string.format('%d', turn + 1 / rate))
return { granted.low, granted.others, math.ceil(turn - now) }
