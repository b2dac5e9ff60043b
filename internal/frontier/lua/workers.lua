-- workers: a worker reports how many of its places are in use, and gets the reports of the
-- others.
-- KEYS[1]  the hash of workers: "WHEN REPORT" for each
-- ARGV[1]  the worker; '' to only read
-- ARGV[2]  its report, as workers.go packs it; '' when it leaves
-- ARGV[3]  milliseconds after which a report is left out
-- ARGV[4]  milliseconds by which its own report counts longer
-- Returns  worker, report, worker, report, … of all others

local key, me, said, fresh = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local extra = tonumber(ARGV[4])
local FORGET_MS = 60000 -- after this time a dead worker is removed
local kind = redis.call('TYPE', key)
if type(kind) == 'table' then kind = kind.ok end
if kind ~= 'hash' and kind ~= 'none' then redis.call('DEL', key) end -- garbage
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local others, all = {}, redis.call('HGETALL', key)
if me ~= '' then
  redis.call('HDEL', key, me) -- first, so that a full Redis accepts the following write
  if said ~= '' then redis.call('HSET', key, me, now + extra .. ' ' .. said) end
end
for i = 1, #all, 2 do
  local at, text = string.match(all[i + 1], '^(%d+) (.*)$')
  if not at or now - tonumber(at) > FORGET_MS then
    if me ~= '' then redis.call('HDEL', key, all[i]) end
  elseif all[i] ~= me and now - tonumber(at) <= fresh then
    others[#others + 1] = all[i]
    others[#others + 1] = text
  end
end
return others
