-- host: returns what the frontier knows of one host.
-- KEYS[1]  the shard's base
-- ARGV[1]  host
-- Returns  {} if the job never met it; otherwise state, worker, rules, pages, URLs seen,
--          consecutive failures, the last one's reason, milliseconds kept between requests,
--          milliseconds until a visit is due (-1: none is), URLs that wait, URLs in flight, traps, how
--          long its responses took

local host = ARGV[1]
local h = peek(host, 'state', 'worker', 'rules', 'pages', 'strikes', 'trouble', 'gap', 'traps', 'kept', 'latency',
  'sealed', 'seen')
if not h[12] then return {} end
local waiting = redis.call('ZCARD', LATER(host))
for _, band in ipairs(BANDS) do waiting = waiting + redis.call('LLEN', QUEUE(band, host)) end
waiting = waiting + tonumber(h[11])
local due = redis.call('ZSCORE', DUE, host)
due = due and math.max(0, tonumber(due) - now_ms()) or -1
local text = function(v) return v or '' end
local number = function(v) return tonumber(v or 0) end
return {
  text(h[1]), text(h[2]), text(h[3]), number(h[4]), number(h[12]), number(h[5]), text(h[6]), math.max(number(h[7]), number(h[9])),
  due, waiting, redis.call('HLEN', FLIGHT(host)), text(h[8]), text(h[10]),
}
