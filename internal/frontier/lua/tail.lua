-- tail: notes that someone watches a job, and returns what its workers have reported.
-- KEYS[1]  the job
-- KEYS[2]  its ring of reports, the newest first: "POSITION REPORT" for each
-- ARGV[1]  milliseconds for which the job counts as watched from now on
-- Returns  nothing if there is no such job; otherwise '' and the reports

local term = tonumber(ARGV[1])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local job = redis.call('HMGET', KEYS[1], 'state', 'watched')
if not job[1] then return {} end
if (tonumber(job[2] or 0) or 0) - now < term / 2 then
  redis.call('HDEL', KEYS[1], 'watched') -- first, so that a full Redis accepts the following write
  redis.call('HSET', KEYS[1], 'watched', string.format('%d', now + term))
end
local kind = redis.call('TYPE', KEYS[2])
if type(kind) == 'table' then kind = kind.ok end
if kind ~= 'list' then return { '' } end
local answer = redis.call('LRANGE', KEYS[2], 0, -1)
table.insert(answer, 1, '')
return answer
