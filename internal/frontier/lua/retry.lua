-- retry: queues URLs again that failed for good, and takes back what settling them counted. It
-- skips URLs that are no longer remembered as failed, because another client has queued them, and
-- those whose record has not reached its destination yet. Their hosts are forgiven.
-- KEYS[1]  the shard's base
-- ARGV     for each URL: cause, what is remembered of it (failed.go), and its packed entry if that
--          has changed because a continuous job tracks its page now ('' otherwise)
-- Returns  how many URLs were queued

local queued, forgiven = 0, {}
for i = 1, #ARGV, 3 do
  local cause, item = ARGV[i], ARGV[i + 1]
  local outcome, segment, band, host, entry = unpack_failed(item)
  if outcome and (segment == '-' or redis.call('HEXISTS', UNSHIPPED, segment) == 0) and
    redis.call('LREM', FAILED(cause), 1, item) == 1 then
    if not forgiven[host] then
      local h = unfold(host, 'state', 'next', 'gap', 'seen')
      if h[1] ~= 'open' and h[1] ~= 'armed' then forgive(host, h[2], h[3]) end
      forgiven[host] = true
    end
    if ARGV[i + 2] ~= '' then entry = ARGV[i + 2] end
    queue_again(host, band, { entry }, 0)
    mark_queued(host, entry)
    count('outcome:' .. outcome, -1)
    count('cause:' .. cause, -1)
    queued = queued + 1
  end
end
count('waiting', queued)
return queued
