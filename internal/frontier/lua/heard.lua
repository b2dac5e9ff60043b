-- heard: a worker adds to the last pages of a host, if someone watches it. They are bounded in number
-- and in time.
-- KEYS[1]  the job, whose field watched_hosts has "UNTIL HOST" for each host that is watched
-- KEYS[2]  pages of the host, the latest first
-- ARGV     the host, the most pages, milliseconds for which they are kept, and pages, the oldest first
-- Returns  1; 0 if no one watches the host

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local watched = false
for till, name in string.gmatch(redis.call('HGET', KEYS[1], 'watched_hosts') or '', '(%d+) (%S+)') do
  watched = watched or name == ARGV[1] and tonumber(till) > now
end
if not watched then return 0 end
local kind = redis.call('TYPE', KEYS[2])
if type(kind) == 'table' then kind = kind.ok end
if kind ~= 'list' and kind ~= 'none' then redis.call('DEL', KEYS[2]) end -- garbage
for i = 4, #ARGV do redis.call('LPUSH', KEYS[2], ARGV[i]) end
redis.call('LTRIM', KEYS[2], 0, tonumber(ARGV[2]) - 1)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
