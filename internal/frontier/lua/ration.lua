-- ration: a visit of a continuous job asks how many URLs it may take: of the low band, in which
-- pages wait that are fetched again, and of the others. Each has a bucket that fills with time, also
-- while no visit asks, and holds at most what it gets within the burst, or one URL. What one cannot
-- hold goes to the other. A visit that finds only URLs of an empty bucket lines up: one URL is promised
-- to it, and no other visit gets that one.
-- KEYS[1]  the ration of the job
-- ARGV[1]  URLs that may be fetched again a day
-- ARGV[2]  other URLs a day
-- ARGV[3]  the burst in milliseconds
-- ARGV[4]  URLs wanted of the low band; negative: as many are given back
-- ARGV[5]  other URLs wanted; likewise
-- ARGV[6]  'low' or 'others' to line up for that bucket, because only its URLs wait; '' otherwise
-- ARGV[7]  the bucket that the visit's host has a promise for, since it lined up; '' for none
-- ARGV[8]  when that promise begins to hold, in unix milliseconds
-- Returns  URLs granted of the low band, others granted; 1 if the promise was kept; to line up,
--          milliseconds until it is the visit's turn, and the turn

local key = KEYS[1]
local per_day = { low = tonumber(ARGV[1]), others = tonumber(ARGV[2]) }
local burst, line, promise, since = tonumber(ARGV[3]), ARGV[6], ARGV[7], tonumber(ARGV[8])
local want = { low = tonumber(ARGV[4]), others = tonumber(ARGV[5]) }
local DAY = 86400000
local GRACE = 3600000 -- a visit that comes later than that has lost its turn
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function number(text) return tonumber(text or '') end

local h = redis.call('HMGET', key, 'at', 'low', 'others', 'line:low', 'line:others', 'promised:low', 'promised:others')
local at = number(h[1]) or now - burst
local elapsed = math.max(0, now - at)
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

-- The line of a bucket is when the next visit that lines up has its turn. Promises whose turn
-- passed more than GRACE ago are forgotten.
local lines = { low = number(h[4]) or 0, others = number(h[5]) or 0 }
local promised = { low = number(h[6]) or 0, others = number(h[7]) or 0 }
for name, n in pairs(promised) do
  promised[name] = math.max(0, math.min(n, math.ceil((lines[name] + GRACE - now) * per_day[name] / DAY)))
end

local granted, kept = {}, 0
for name, n in pairs(want) do
  local whole, mine = math.floor(held[name]), promise == name and now >= since
  local free = whole - promised[name]
  if mine then free = math.max(math.min(1, whole), free + 1) end
  granted[name] = math.max(math.min(n, 0), math.min(n, free))
  held[name] = held[name] - granted[name]
  if mine and granted[name] > 0 then
    promised[name], kept, promise = math.max(0, promised[name] - 1), 1, ''
  end
end
local spent, hour = granted.low + granted.others, math.floor(now / 3600000)
if spent ~= 0 and redis.call('HINCRBY', key, 'hour:' .. string.format('%d', hour), spent) == spent then
  for _, field in ipairs(redis.call('HKEYS', key)) do -- the first spending of this hour drops old hours
    local other = tonumber(string.match(field, '^hour:(%d+)$') or '')
    if other and math.abs(hour - other) > 24 then redis.call('HDEL', key, field) end
  end
end

local turn, wait = 0, 0
if line ~= '' then
  local rate = math.max(per_day[line], 1e-3) / DAY
  if promise == line then -- it is in line already
    turn = since
    wait = now < since and since - now or math.max(0, 1 - held[line]) / rate
  else -- the line moves on by one URL for each visit, so that every visit has its turn
    turn = math.max(now + math.max(0, 1 - held[line] + promised[line]) / rate, lines[line])
    turn = math.ceil(math.min(turn, now + DAY))
    wait, lines[line], promised[line] = turn - now, turn + 1 / rate, promised[line] + 1
  end
end
redis.call('HSET', key, 'at', string.format('%d', now), 'low', string.format('%.6f', held.low), 'others',
  string.format('%.6f', held.others), 'line:low', string.format('%d', lines.low), 'line:others',
  string.format('%d', lines.others), 'promised:low', promised.low, 'promised:others', promised.others)
return { granted.low, granted.others, kept, math.ceil(wait), turn }
