-- Code that the verbs that make events of a job share.

-- emit adds an event. job is the job's key, events that of its list, now is in unix milliseconds. A
-- key that is not a list is replaced.
local function emit(job, events, name, now, reason)
  local n = redis.call('HINCRBY', job, 'events', 1)
  local entry = string.format('%d %d %s %s', n, now, name, reason)
  local pushed = redis.pcall('RPUSH', events, entry)
  if type(pushed) == 'table' and pushed.err then
    redis.call('DEL', events)
    redis.call('RPUSH', events, entry)
  end
end
