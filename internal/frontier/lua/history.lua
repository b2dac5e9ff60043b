-- history: records what a running job has done, once a second and once a minute. The work does not
-- depend on how long the job has run.
-- KEYS[1]  the job
-- KEYS[2]  its samples of the last minutes, one a second, newest first
-- KEYS[3]  its samples of the last day, one a minute
-- ARGV     pages, URLs settled, bytes, URLs failed, URLs seen; the most samples in KEYS[2] and in KEYS[3]
-- Returns  1 if a sample was recorded, 0 if this second has one or the job is not running

if redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 0 end
local now = tonumber(redis.call('TIME')[1])
local sample = now .. ' ' .. table.concat(ARGV, ' ', 1, 5)

-- record adds the sample to a list unless the list has one of the same period.
local function record(key, period, most)
  local kind = redis.call('TYPE', key)
  if type(kind) == 'table' then kind = kind.ok end
  if kind ~= 'list' and kind ~= 'none' then redis.call('DEL', key) end -- garbage
  local last = redis.call('LINDEX', key, 0)
  last = last and tonumber(string.match(last, '^%d+'))
  if last and math.floor(last / period) == math.floor(now / period) then return 0 end
  redis.call('LPUSH', key, sample)
  redis.call('LTRIM', key, 0, most - 1)
  return 1
end

record(KEYS[3], 60, tonumber(ARGV[7]))
return record(KEYS[2], 1, tonumber(ARGV[6]))
