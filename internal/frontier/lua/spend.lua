-- spend: reserves money from a job's budget of money, or corrects a reservation.
-- KEYS[1]  what the job has spent and reserved, in millionths
-- ARGV     the amount in millionths, below 0 to give some back; the most that the job may spend
-- Returns  1; 0 if that would be more than the job may spend, and nothing is reserved

local amount, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local spent = tonumber(redis.call('GET', KEYS[1]) or 0) or 0
if amount > 0 and spent + amount > most then return 0 end
redis.call('INCRBY', KEYS[1], ARGV[1])
return 1
