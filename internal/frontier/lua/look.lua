-- look: another job asks what this one owes a host.
-- KEYS[1]  the shard's base
-- ARGV[1]  host
-- Returns  {} if the job does not know the host; otherwise its state, milliseconds until a
--          request may be made, milliseconds since the last request (-1: none is known),
--          milliseconds between requests, rules, 1 if a visit is in progress, imminent, or waits
--          for its turn, milliseconds since the deadline of an open visit (-1: not passed)

local SOON = 2000 -- milliseconds within which a visit is imminent
local host = ARGV[1]
local h = peek(host, 'state', 'next', 'last', 'gap', 'rules', 'lined', 'seen')
if not h[7] then return {} end
local now, wants, late = now_ms(), 0, -1
if h[1] == 'open' or h[1] == 'armed' then
  wants = 1
elseif h[1] == 'due' and not paused(h[5]) then
  local due = tonumber(redis.call('ZSCORE', DUE, host) or NEVER)
  if h[6] or due <= now + SOON then wants = 1 end
end
if h[1] == 'open' then
  late = math.max(-1, now - tonumber(redis.call('ZSCORE', OPEN, host) or now + 1))
end
return {
  h[1] or '', math.max(0, tonumber(h[2] or 0) - now), h[3] and math.max(0, now - tonumber(h[3])) or -1,
  tonumber(h[4] or 0), h[5] or '', wants, late,
}
