-- rival: tells an open visit that another job wants its host. The visit learns of it when it
-- takes URLs or renews its lease, and ends soon.
-- KEYS[1]  the shard's base
-- ARGV     host, "JOB RUN SHARD" of the other job, milliseconds between requests that it owes the
--          host
-- Returns  1; 0 if no visit is open

local MOST = 1000 -- bytes stored; a job that is left out retries by itself
local host, rival, gap = ARGV[1], ARGV[2], ARGV[3]
local h = redis.call('HMGET', HOST(host), 'state', 'rivals')
if h[1] ~= 'open' then return 0 end
local all = {}
for other in string.gmatch(h[2] or '', '[^,]+') do
  if string.sub(other, 1, #rival + 1) ~= rival .. ' ' then all[#all + 1] = other end
end
all[#all + 1] = rival .. ' ' .. gap
local text = table.concat(all, ',')
if #text <= MOST then redis.call('HSET', HOST(host), 'rivals', text) end
return 1
