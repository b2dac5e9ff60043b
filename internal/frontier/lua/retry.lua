-- retry: queues URLs again that failed for good, and takes back what settling them counted. Those
-- that are no longer remembered as failed, because another client has queued them, and those whose
-- record is not at its destination yet, are left alone. Their hosts are forgiven.
-- KEYS[1]  the shard's base
-- ARGV     for each URL: cause, and what is remembered of it (failed.go)
-- Returns  how many URLs were queued

local queued, forgiven = 0, {}
for i = 1, #ARGV, 2 do
  local cause, item = ARGV[i], ARGV[i + 1]
  local outcome, segment, band, host, entry = unpack_failed(item)
  if outcome and (segment == '-' or redis.call('HEXISTS', UNSHIPPED, segment) == 0) and
    redis.call('LREM', FAILED(cause), 1, item) == 1 then
    if not forgiven[host] then
      local h = redis.call('HMGET', HOST(host), 'state', 'next', 'gap')
      if h[1] ~= 'open' and h[1] ~= 'armed' then forgive(host, h[2], h[3]) end
      forgiven[host] = true
    end
    queue_again(host, band, { entry }, 0)
    if place_of(entry) then count('back', 1) end -- a page of a continuous job
    count('outcome:' .. outcome, -1)
    count('cause:' .. cause, -1)
    queued = queued + 1
  end
end
count('waiting', queued)
return queued
