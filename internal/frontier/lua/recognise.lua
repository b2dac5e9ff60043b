-- recognise: compares the contents of a host's pages with earlier ones, and remembers them.
-- KEYS[1]  the shard's base
-- ARGV     host, epoch, lease in milliseconds, the most contents of a host, and for each page:
--          the first eight bytes of its digest, its packed entry
-- Returns  for each page the packed entry of the first page with its content; '' if the content
--          is new, or the host has too many

local host, epoch, lease, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not holds(host, epoch) then return STALE end
redis.call('ZADD', OPEN, now_ms() + lease, host)
local contents = CONTENT(host)
local room = most - redis.call('HLEN', contents)

local first = {}
for i = 5, #ARGV, 2 do
  if room > 0 and redis.call('HSETNX', contents, ARGV[i], ARGV[i + 1]) == 1 then
    first[#first + 1] = ''
    room = room - 1
  else
    first[#first + 1] = redis.call('HGET', contents, ARGV[i]) or ''
  end
end
return first
