-- spread: adds to the numbers of a job what a worker has counted. It does not bring back the
-- numbers of a job that was removed or cancelled.
-- KEYS[1]  the job
-- KEYS[2]  its numbers
-- ARGV     for each number: its name, by how much it grows, an example
-- Returns  1; 0 if there is no such job, or it was cancelled

local state = redis.call('HGET', KEYS[1], 'state')
if not state or state == 'cancelled' then return 0 end
local kind = redis.call('TYPE', KEYS[2])
if type(kind) == 'table' then kind = kind.ok end
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', KEYS[2]) end -- garbage
for i = 1, #ARGV, 3 do
  local name = ARGV[i]
  if type(redis.pcall('HINCRBY', KEYS[2], name, ARGV[i + 1])) == 'table' then -- garbage
    redis.call('HSET', KEYS[2], name, ARGV[i + 1])
  end
  redis.call('HSETNX', KEYS[2], 'of ' .. name, ARGV[i + 2])
end
return 1
