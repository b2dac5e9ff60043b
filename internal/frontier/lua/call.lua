-- How the scripts of a shard call Redis, and its clock. It comes before all other code that they
-- share.

-- This table wraps the redis table of the server, so that no verb has to handle garbage: if a key
-- or field is unusable, mend.lua sets it aside, and the command is repeated.
local redis_call, redis_pcall, to_number = redis.call, redis.pcall, tonumber
local redis, mend = { error_reply = redis.error_reply, sha1hex = redis.sha1hex }
function redis.call(command, key, ...)
  local answer = redis_pcall(command, key, ...)
  if type(answer) ~= 'table' or not answer.err then return answer end
  mend(answer.err, command, key, (...))
  return redis_call(command, key, ...) -- any other error is raised by the second call
end

-- note_garbage records and counts garbage.
local MOST_NOTES, LONGEST_NOTE = 100, 500
local function note_garbage(text)
  redis_call('LPUSH', GARBAGE, string.sub(text, 1, LONGEST_NOTE))
  redis_call('LTRIM', GARBAGE, 0, MOST_NOTES - 1)
  redis_call('HINCRBY', COUNT, 'garbage', 1)
end

-- tonumber returns 0 for anything that is not a number.
local function tonumber(v) return to_number(v) or 0 end

-- now_ms is Redis's clock in unix milliseconds. A script reads it once.
local clock
local function now_ms()
  if not clock then
    local t = redis_call('TIME')
    clock = t[1] * 1000 + math.floor(t[2] / 1000)
  end
  return clock
end

-- power_above returns the least power of two that is not below n.
local function power_above(n)
  local m = 1
  while m < n do m = m * 2 end
  return m
end
