-- acquire: visits of a job that were just opened take the holds of their hosts, where no other job
-- has held the host lately.
-- KEYS     the hold of each host: "JOB RUN SHARD EPOCH", then what hold.go adds if several jobs
--          share the host. In a Cluster, one host
-- ARGV[1]  "JOB RUN SHARD" of the visits; then for each its epoch, and milliseconds after which the
--          hold is forgotten
-- Returns  for each '', 0 if the visit now holds the host; otherwise the hold, and Redis's time in
--          milliseconds. If a later visit of the job holds the host, the hold stays, because this
--          visit did not open

local me, answer, now = ARGV[1], {}, nil
for i, value in ipairs(redis.call('MGET', unpack(KEYS))) do -- false for a key of another type
  local epoch, term = ARGV[2 * i], ARGV[2 * i + 1]
  local holder, last = string.match(value or '', '^(%S+ %S+ %S+) (%d+)$')
  if value and holder ~= me then
    if not now then
      local t = redis.call('TIME')
      now = t[1] * 1000 + math.floor(t[2] / 1000)
    end
    answer[#answer + 1], answer[#answer + 2] = value, now
  else
    if not last or tonumber(last) <= tonumber(epoch) then
      redis.call('SET', KEYS[i], me .. ' ' .. epoch, 'PX', term)
    end
    answer[#answer + 1], answer[#answer + 2] = '', 0
  end
end
return answer
