-- ledger: a visit accounts for the pages that it has fetched, and is promised more of the job's
-- budget. The pages spent and promised together never exceed the budget. A job that is ending
-- because of a budget promises nothing.
-- KEYS[1]  the ledger of the job, or of a domain
-- KEYS[2]  the job
-- ARGV     visit, total pages it has fetched, total promises it has used or given up, pages it
--          wants (-1: it closes its account), the budget (0: there is no budget of pages, and no
--          account), pages it had fetched before the budget existed, the revision that introduced
--          the budget ('': a domain's, which is not checked)
-- Returns  pages promised now, pages spent in the job, pages promised in the job

local key, job, visit = KEYS[1], KEYS[2], ARGV[1]
local fetched, done, want, budget = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local since, budgeted = tonumber(ARGV[6]), ARGV[7]

if want > 0 and redis.call('HEXISTS', job, 'ending') == 1 then want = 0 end
if budget == 0 and want >= 0 then return { math.max(0, want), 0, 0 } end
if budgeted ~= '' and (redis.call('HGET', job, 'budgeted') or '0') ~= budgeted then -- the worker does not know the budget yet
  if want < 0 then redis.call('HDEL', key, visit) end
  return { 0, 0, 0 }
end
local account = redis.call('HGET', key, visit)
if not account and want < 0 then return { 0, 0, 0 } end -- closed before
local promised, counted, left = 0, since, 0
if account then
  local p, c, l = string.match(account, '^(%d+) (%d+) (%d+)$')
  promised, counted, left = tonumber(p or 0), tonumber(c or 0), tonumber(l or 0) -- an unreadable account counts as none
  promised = math.max(promised, done) -- Redis may have come back without the latest promises
end
local spent = redis.call('HINCRBY', key, 'spent', fetched - counted)
local open = promised - done
if want < 0 then open = 0 end
local out = redis.call('HINCRBY', key, 'promised', open - left)
if want < 0 then
  redis.call('HDEL', key, visit)
  return { 0, spent, out }
end
local grant = math.max(0, math.min(want, budget - spent - out))
redis.call('HINCRBY', key, 'promised', grant)
redis.call('HSET', key, visit, (promised + grant) .. ' ' .. fetched .. ' ' .. (open + grant))
return { grant, spent, out + grant }
