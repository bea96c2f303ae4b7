//! Rate limits per address, session and person.

use std::net::IpAddr;

use shared_utils::clock::Timestamp;
use shared_utils::env::{EnvError, Environment};
use shared_utils::http::Request;
use shared_utils::rate_limit::{Buckets, Rate, RateLimited};

/// How many times as many mails one place may ask for as one address may get.
const MAILS_FROM_ONE_PLACE: i64 = 4;

/// The rates of this function. Environment variables can override each of them.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// Logins from one address.
    pub login: Rate,
    /// Refreshes from one address.
    pub refresh: Rate,
    /// Refreshes of one session.
    pub session_refresh: Rate,
    /// Tickets of one person.
    pub ticket: Rate,
    /// Mails to one address.
    pub mail: Rate,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            login: Rate::per_minute(20),
            refresh: Rate::per_minute(300),
            session_refresh: Rate::per_minute(30),
            ticket: Rate::per_minute(10),
            mail: Rate::per_hour(5),
        }
    }
}

impl Rates {
    /// Reads `LOGIN_RATE`, `REFRESH_RATE`, `SESSION_REFRESH_RATE`, `TICKET_RATE` and `MAIL_RATE`.
    pub fn from_env(env: &Environment) -> Result<Self, EnvError> {
        let defaults = Self::default();
        Ok(Self {
            login: Rate::from_env(env, "LOGIN_RATE", defaults.login)?,
            refresh: Rate::from_env(env, "REFRESH_RATE", defaults.refresh)?,
            session_refresh: Rate::from_env(env, "SESSION_REFRESH_RATE", defaults.session_refresh)?,
            ticket: Rate::from_env(env, "TICKET_RATE", defaults.ticket)?,
            mail: Rate::from_env(env, "MAIL_RATE", defaults.mail)?,
        })
    }
}

/// Rate limits per address. Kept in this process only.
pub(crate) struct AddressLimits {
    login: Buckets,
    refresh: Buckets,
    mail: Buckets,
}

impl AddressLimits {
    pub(crate) fn new(rates: Rates) -> Self {
        Self { login: Buckets::new(rates.login), refresh: Buckets::new(rates.refresh), mail: Buckets::new(rates.mail.times(MAILS_FROM_ONE_PLACE)) }
    }

    pub(crate) fn login(&self, request: &Request, now: Timestamp) -> Result<(), RateLimited> {
        self.login.take(&network(&request.source_ip), now)
    }

    /// Requests that send a mail to an address of the caller's choice.
    pub(crate) fn mail(&self, request: &Request, now: Timestamp) -> Result<(), RateLimited> {
        self.mail.take(&network(&request.source_ip), now)
    }

    pub(crate) fn refresh(&self, request: &Request, now: Timestamp) -> Result<(), RateLimited> {
        self.refresh.take(&network(&request.source_ip), now)
    }
}

/// The rate-limit key of an address: the IPv4 address, or the /64 network of an IPv6 address (one customer usually has a whole /64).
pub(crate) fn network(source_ip: &str) -> String {
    match source_ip.parse() {
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        _ => source_ip.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_are_limited_by_their_64_bit_prefix() {
        assert_eq!(network("192.0.2.7"), "192.0.2.7");
        assert_eq!(network("2001:db8:0:1::1"), network("2001:db8:0:1:ffff::2"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8:0:2::1"));
    }
}
