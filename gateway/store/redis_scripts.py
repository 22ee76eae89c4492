"""What Redis does in one step: the scripts, what those of limits are given and what they answer. See LimitStore.

What is used of a limit is one key, `pgw:limit:{owner}:name`, in one slot with the owner's others, and ends by itself. A
rate and a budget are texts of whole numbers, `level:at:until` and `used:until`, and leases are a sorted set of ids by
when they end. Times are Redis's own, so that no host's clock matters.

Numbers in Lua are doubles: all here are whole and below 2**53, and are written with %.0f, since `..` would round them.
A key lasts a second longer than what it says, so that what it says decides and not when Redis drops it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.store.port import Budget, Correction, Demand, Grant, Lease, Rate, Taken
from gateway.store.redis_keys import limit_key

Command = list[str | int]

_FIELDS = 4
_MOST_AMOUNT = 2**52


@dataclass(frozen=True, slots=True)
class Script:
    """Lua, and what Redis calls it once it has seen it."""

    text: str = field(repr=False)
    digest: str


# INCRBY makes the key if need be, and so that it can never stay for ever both happen in one step.
# (PEXPIRE … NX would need Redis 7.)
ADD = """
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return total"""


def _script(text: str) -> Script:
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


# Days since 1970 to the rest of the month, after civil_from_days in Howard Hinnant's chrono-compatible low-level date
# algorithms. Years there begin in March, so that the day that a leap year has more is a year's last.
WINDOW = """
local function month_days_left(days)
  local shifted = days + 719468
  local era = math.floor(shifted / 146097)
  local doe = shifted - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local month = math.floor((5 * doy + 2) / 153)
  if month < 11 then return math.floor((153 * (month + 1) + 2) / 5) - doy end
  local year = era * 400 + yoe + 1
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return (leap and 366 or 365) - doy
end
local function window_end(now, calendar)
  local days = math.floor(now / 86400000)
  return (days + (calendar == 'day' and 1 or month_days_left(days))) * 86400000
end
"""

# All words are in one argument, four for each key: redis-py takes 2 µs for each argument, Lua less than a tenth.
_STATE = (
    WINDOW
    + """
local words = {}
for word in string.gmatch(ARGV[1], '%S+') do words[#words + 1] = word end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function level_of(key, limit)
  local level, at, over = string.match(redis.call('GET', key) or '', '^(%d+):(%d+):(%d+)$')
  if not level or tonumber(over) <= now then return 0 end
  return math.max(0, level - math.max(0, now - at) * limit)
end
local function used_of(key, calendar)
  local used, over = string.match(redis.call('GET', key) or '', '^(%d+):(%d+)$')
  if used and now < tonumber(over) then return tonumber(used), tonumber(over) end
  if calendar then return 0, window_end(now, calendar) end
end
local function ceil(amount, by) return math.floor((amount + by - 1) / by) end
local function set_level(key, level, limit)
  level = math.min(math.max(0, level), 4503599627370496)
  if level == 0 then
    redis.call('DEL', key)
  else
    local lasts = ceil(level, limit)
    local text = string.format('%.0f:%.0f:%.0f', level, now, now + lasts)
    redis.call('SET', key, text, 'PX', string.format('%.0f', lasts + 1000))
  end
  return level
end
local function set_used(key, used, over)
  used = math.min(math.max(0, used), 4503599627370496)
  redis.call('SET', key, string.format('%.0f:%.0f', used, over), 'PX', string.format('%.0f', over - now + 1000))
end
local function alive_until(key, id)
  local over = redis.call('ZSCORE', key, id)
  return over and now < tonumber(over)
end
local function lease(key, id, lasts)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZADD', key, now + lasts, id)
  if redis.call('PTTL', key) < lasts + 1000 then redis.call('PEXPIRE', key, lasts + 1000) end
end
"""
)

# For each key: kind, amount, limit, and a period, a calendar or how long it lasts and its id. It answers the time and
# for each key what remains, the reset, the wait and the window. First all is looked at, then all is taken or nothing:
# a Redis that takes no more refuses the first write of a script, and only that.
TAKE = _script(
    _STATE
    + """
local had, window, answer, granted = {}, {}, {now}, true
for i, key in ipairs(KEYS) do
  local a = (i - 1) * 4
  local kind, amount, limit, wait = string.sub(words[a + 1], 1, 1), tonumber(words[a + 2]), tonumber(words[a + 3]), 0
  if kind == 'r' then
    local period = tonumber(words[a + 4])
    had[i] = level_of(key, limit)
    if amount > limit then wait = -1
    else wait = math.max(0, ceil(had[i] + amount * period - limit * period, limit)) end
    answer[4 * i - 2] = math.floor(math.max(0, limit * period - had[i]) / period)
    answer[4 * i - 1] = ceil(had[i], limit)
    answer[4 * i + 1] = 0
  elseif kind == 'b' then
    had[i], window[i] = used_of(key, words[a + 4])
    if amount > limit then wait = -1
    elseif had[i] + amount > limit then wait = window[i] - now end
    answer[4 * i - 2] = math.max(0, limit - had[i])
    answer[4 * i - 1] = window[i] - now
    answer[4 * i + 1] = window[i]
  else
    local alive = '(' .. string.format('%.0f', now)
    had[i] = redis.call('ZCOUNT', key, alive, '+inf')
    if had[i] >= limit and not alive_until(key, string.sub(words[a + 1], 2)) then
      wait = redis.call('ZRANGEBYSCORE', key, alive, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2] - now
    end
    answer[4 * i - 2] = math.max(0, limit - had[i])
    answer[4 * i - 1] = wait
    answer[4 * i + 1] = 0
  end
  answer[4 * i] = wait
  granted = granted and wait == 0
end
if not granted then return answer end
for i, key in ipairs(KEYS) do
  local a = (i - 1) * 4
  local kind, amount, limit = string.sub(words[a + 1], 1, 1), tonumber(words[a + 2]), tonumber(words[a + 3])
  if kind == 'r' then
    local period = tonumber(words[a + 4])
    local level = set_level(key, had[i] + amount * period, limit)
    answer[4 * i - 2] = math.floor((limit * period - level) / period)
    answer[4 * i - 1] = ceil(level, limit)
  elseif kind == 'b' then
    set_used(key, had[i] + amount, window[i])
    answer[4 * i - 2] = limit - had[i] - amount
  else
    lease(key, string.sub(words[a + 1], 2), tonumber(words[a + 4]))
    answer[4 * i - 2] = math.max(0, limit - redis.call('ZCARD', key))
  end
end
return answer
"""
)

# For each key: kind and a lease's id, what is to be added, the limit, and the period or the window.
SETTLE = _script(
    _STATE
    + """
for i, key in ipairs(KEYS) do
  local a = (i - 1) * 4
  local kind, amount, limit = string.sub(words[a + 1], 1, 1), tonumber(words[a + 2]), tonumber(words[a + 3])
  if kind == 'r' then
    set_level(key, level_of(key, limit) + amount * words[a + 4], limit)
  elseif kind == 'b' then
    local used, over = used_of(key)
    if used and over == tonumber(words[a + 4]) then set_used(key, used + amount, over) end
  else
    redis.call('ZREM', key, string.sub(words[a + 1], 2))
  end
end
return 0
"""
)

# For each key: the kind and the lease's id, two that do not matter, and how long it is to last.
RENEW = _script(
    _STATE
    + """
local answer = {}
for i, key in ipairs(KEYS) do
  local a = (i - 1) * 4
  local id = string.sub(words[a + 1], 2)
  if alive_until(key, id) then
    lease(key, id, tonumber(words[a + 4]))
    answer[i] = 1
  else
    answer[i] = 0
  end
end
return answer
"""
)

TEXTS = {script.digest: script.text for script in (TAKE, SETTLE, RENEW)}
"""The scripts by what Redis calls them."""


def call(script: Script, owner: str, demands: Sequence[Demand | Correction]) -> Command:
    """The command EVALSHA."""
    words: list[str] = []
    keys: list[str] = []
    for demand in demands:
        if isinstance(demand, Correction):
            keys.append(limit_key(owner, demand.demand.name))
            words.append(_correction_words(demand))
        else:
            keys.append(limit_key(owner, demand.name))
            words.append(_words(demand, 1 if isinstance(demand, Lease) else demand.amount))
    return ["EVALSHA", script.digest, len(keys), *keys, " ".join(words)]


def taken(answer: Sequence[int]) -> Taken:
    """What TAKE answered."""
    now, *numbers = answer
    grants = (
        Grant(remaining=numbers[at], reset_ms=numbers[at + 1], wait_ms=numbers[at + 2], window=numbers[at + 3])
        for at in range(0, len(numbers), _FIELDS)
    )
    return Taken(tuple(grants), now)


def _words(demand: Demand, amount: int) -> str:
    if isinstance(demand, Lease):
        return f"l{demand.id} 1 {demand.limit} {demand.ttl_ms}"
    amount = max(-_MOST_AMOUNT, min(amount, _MOST_AMOUNT))
    if isinstance(demand, Rate):
        return f"r {amount} {demand.limit} {demand.period_ms}"
    return f"b {amount} {demand.limit} {demand.calendar}"


def _correction_words(correction: Correction) -> str:
    demand = correction.demand
    if isinstance(demand, Budget):
        amount = max(-_MOST_AMOUNT, min(correction.amount, _MOST_AMOUNT))
        return f"b {amount} {demand.limit} {correction.window}"
    return _words(demand, correction.amount)
