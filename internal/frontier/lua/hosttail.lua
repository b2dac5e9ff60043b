-- hosttail: notes that someone watches a host, and returns its last pages.
-- KEYS[1]  the job, whose field watched_hosts has "UNTIL HOST" for each host that is watched
-- KEYS[2]  pages of the host, the latest first
-- ARGV     the host, milliseconds for which it counts as watched from now on, the most hosts of a job
-- Returns  nothing if there is no such job; otherwise '' and the pages

local host, term, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local job = redis.call('HMGET', KEYS[1], 'state', 'watched_hosts')
if not job[1] then return {} end
local others, mine = {}, 0
for till, name in string.gmatch(job[2] or '', '(%d+) (%S+)') do
  if name == host then
    mine = tonumber(till)
  elseif tonumber(till) > now then
    others[#others + 1] = till .. ' ' .. name
  end
end
if mine - now < term / 2 then
  while #others >= most do table.remove(others, 1) end
  others[#others + 1] = string.format('%d', now + term) .. ' ' .. host
  redis.call('HDEL', KEYS[1], 'watched_hosts') -- first, so that a full Redis accepts the following write
  redis.call('HSET', KEYS[1], 'watched_hosts', table.concat(others, ' '))
end
local kind = redis.call('TYPE', KEYS[2])
if type(kind) == 'table' then kind = kind.ok end
if kind ~= 'list' then return { '' } end
local answer = redis.call('LRANGE', KEYS[2], 0, -1)
table.insert(answer, 1, '')
return answer
