-- linked: returns what link has noted of pages of a continuous job, and the time.
-- KEYS[1]  the registers of the job
-- ARGV     a hash of each page
-- Returns  unix seconds, microseconds, then the value of each page: 0 if nothing was noted

local answer = redis.call('TIME')
local bytes = #ARGV > 0 and redis.call('STRLEN', KEYS[1]) or 0
for i = 1, #ARGV do
  local value = 0
  if bytes > 0 then
    local at = tonumber(ARGV[i]) % (bytes * 2)
    local byte = math.floor(at / 2)
    local both = string.byte(redis.call('GETRANGE', KEYS[1], byte, byte)) or 0
    value = at % 2 == 0 and both % 16 or math.floor(both / 16)
  end
  answer[#answer + 1] = tostring(value)
end
return answer
