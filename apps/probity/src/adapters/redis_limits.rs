//! Rate limits that several nodes count together, exact over a sliding window.

use std::time::Duration;

use probity_access::rate::{Admitted, Refused};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use tokio::sync::OnceCell;

/// One round trip on Redis's own clock: drops what has left the window, then counts this call or
/// tells how long until the oldest one leaves. A refused call leaves no trace.
const SLIDING_LOG: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local count = redis.call('ZCARD', KEYS[1])
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if count >= limit then
    return {0, 0, math.ceil((oldest[2] + window - now) / 1000)}
end
local serial = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], math.ceil(window / 1000) * 2)
redis.call('ZADD', KEYS[1], now, string.format('%.0f-%d', now, serial))
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
local first = oldest[2] or now
return {1, limit - count - 1, math.ceil((first + window - now) / 1000)}
";

/// How long an answer may take: longer than a busy moment of either side.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Limits on Redis; connects at the first use and reconnects by itself.
pub(crate) struct RedisLimits {
    client: Client,
    script: Script,
    connection: OnceCell<ConnectionManager>,
}

impl RedisLimits {
    pub(crate) fn new(url: &str) -> Result<Self, RedisError> {
        let client = Client::open(url)?;
        Ok(Self {
            client,
            script: Script::new(SLIDING_LOG),
            connection: OnceCell::new(),
        })
    }

    /// Counts a call, or says how long to wait.
    pub(crate) async fn admit(
        &self,
        class: &str,
        key: &str,
        limit: u32,
        window: Duration,
    ) -> Result<Result<Admitted, Refused>, RedisError> {
        let manager = self.connection.get_or_try_init(|| async {
            let config = ConnectionManagerConfig::new()
                .set_number_of_retries(1)
                .set_connection_timeout(Some(ANSWER_WITHIN))
                .set_response_timeout(Some(ANSWER_WITHIN));
            ConnectionManager::new_with_config(self.client.clone(), config).await
        });
        let mut connection = manager.await?.clone();
        let name = format!("probity:limit:{class}:{{{key}}}");
        let (admitted, remaining, wait): (bool, u32, u64) = self
            .script
            .key(&name)
            .key(format!("{name}:serial"))
            .arg(limit)
            .arg(u64::try_from(window.as_micros()).unwrap_or(u64::MAX))
            .invoke_async(&mut connection)
            .await?;
        Ok(if admitted {
            Ok(Admitted {
                remaining,
                reset_ms: wait,
            })
        } else {
            Err(Refused {
                retry_after_ms: wait,
            })
        })
    }
}
