-- ledger: a visit accounts for the pages it has fetched and is promised more of
-- the job's budget. Together, pages spent and promised never exceed the budget.
-- A job that ends because of a budget promises nothing.
-- KEYS[1]  the job's ledger
-- KEYS[2]  the job
-- ARGV     visit, pages it has fetched in all, pages it was promised and has
--          done with in all, pages it wants (-1: none any more), the budget (0:
--          it is of something else than pages, and there is no account), pages it had
--          fetched before there was a budget, the revision that brought the budget
-- Returns  pages promised now, pages spent in the job, pages promised in the job

local key, job, visit = KEYS[1], KEYS[2], ARGV[1]
local fetched, done, want, budget = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local since, budgeted = tonumber(ARGV[6]), ARGV[7]

if want > 0 and redis.call('HEXISTS', job, 'ending') == 1 then want = 0 end
if budget == 0 and want >= 0 then return { math.max(0, want), 0, 0 } end
if (redis.call('HGET', job, 'budgeted') or '0') ~= budgeted then -- the worker has not heard of it yet
  if want < 0 then redis.call('HDEL', key, visit) end
  return { 0, 0, 0 }
end
local account = redis.call('HGET', key, visit)
if not account and want < 0 then return { 0, 0, 0 } end -- closed before
local promised, counted, left = 0, since, 0
if account then
  local p, c, l = string.match(account, '^(%d+) (%d+) (%d+)$')
  promised, counted, left = tonumber(p or 0), tonumber(c or 0), tonumber(l or 0) -- what is no account counts as none
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
