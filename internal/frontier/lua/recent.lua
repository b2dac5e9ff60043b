-- recent: returns the newest samples of a job.
-- KEYS[1]  samples of a period, as history.lua keeps them
-- ARGV     the period in seconds, how many parts the key has, how many of the newest to return
-- Returns  the parts, the oldest first; an empty list without any

local period, parts, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kind = redis.call('TYPE', KEYS[1])
if type(kind) == 'table' then kind = kind.ok end
if kind ~= 'hash' then return {} end -- garbage, which the next sample replaces
local last = tonumber(string.match(redis.call('HGET', KEYS[1], 'last') or '', '^%d+'))
if not last then return {} end
local newest, fields = math.floor(last / (60 * period)), {}
for part = newest - math.min(wanted, parts) + 1, newest do fields[#fields + 1] = string.format('%d', part % parts) end
local answer = {}
for _, text in ipairs(redis.call('HMGET', KEYS[1], unpack(fields))) do
  if text then answer[#answer + 1] = text end
end
return answer
