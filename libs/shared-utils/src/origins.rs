//! The allowed browser origins: the entries of `ALLOWED_ORIGINS`.

use crate::env::EnvError;

/// One entry of `ALLOWED_ORIGINS`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AllowedOrigin {
    /// Exactly this origin.
    Exact(String),
    /// `https://`, one label, then this suffix, which starts with a dot.
    Subdomain(String),
}

/// A list of origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<AllowedOrigin>);

impl AllowedOrigins {
    /// Reads a comma-separated list.
    pub fn parse(list: &str) -> Result<Self, EnvError> {
        list.split(',').map(|entry| allowed_origin(entry.trim())).collect::<Result<_, _>>().map(Self)
    }

    /// Whether this origin is listed. `null` never is.
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| match allowed {
            AllowedOrigin::Exact(exact) => exact == origin,
            AllowedOrigin::Subdomain(suffix) => {
                origin.strip_prefix("https://").and_then(|host| host.strip_suffix(suffix.as_str())).is_some_and(|label| {
                    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
                })
            }
        })
    }
}

/// Parses one entry: `scheme://host[:port]`, or `https://*.domain` for one level of subdomain. The result has the form that browsers send: lower
/// case, without the scheme's default port. An entry that browsers can never send is an error.
fn allowed_origin(entry: &str) -> Result<AllowedOrigin, EnvError> {
    let unusable = |reason: &str| EnvError::unusable("ALLOWED_ORIGINS", format!("{entry:?} {reason}"));
    if !entry.is_ascii() {
        return Err(unusable("is not ASCII: write the host as browsers send it (xn--…)"));
    }
    let entry_in_lower_case = entry.to_ascii_lowercase();
    let (scheme, authority) = entry_in_lower_case.split_once("://").ok_or_else(|| unusable("has no scheme"))?;
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return Err(unusable("is not http or https")),
    };
    let (host, port) = match authority.rsplit_once(':') {
        // The last colon is inside the brackets of an IPv6 address.
        Some((_, behind)) if behind.ends_with(']') => (authority, None),
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let port = match port {
        None => default_port,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| unusable("has an invalid port"))?
        }
        Some(_) => return Err(unusable("has an invalid port")),
    };
    let port = if port == default_port { String::new() } else { format!(":{port}") };
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        let address: std::net::Ipv6Addr = address.parse().map_err(|_| unusable("has an invalid address"))?;
        // Browsers write every part of an IPv6 address in hexadecimal, including IPv4-mapped addresses.
        let address = match address.to_ipv4_mapped() {
            Some(_) => format!("::ffff:{:x}:{:x}", address.segments()[6], address.segments()[7]),
            None => address.to_string(),
        };
        return Ok(AllowedOrigin::Exact(format!("{scheme}://[{address}]{port}")));
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_name = name.split('.').all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    if host.contains('*') && (name == host || name.contains('*')) {
        return Err(unusable("has a wildcard that is not its first label"));
    }
    if !is_name {
        return Err(unusable("is not an origin (scheme, host, port)"));
    }
    // Browsers read a host that ends in a number as an IPv4 address, and send that address.
    let last = name.rsplit('.').next().unwrap_or_default();
    let ends_in_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if ends_in_number && name.parse::<std::net::Ipv4Addr>().is_err() {
        return Err(unusable("has an invalid address"));
    }
    if name == host {
        return Ok(AllowedOrigin::Exact(format!("{scheme}://{name}{port}")));
    }
    match (scheme, name.contains('.')) {
        ("http", _) => Err(unusable("has a wildcard without https")),
        (_, false) => Err(unusable("has a wildcard that is too wide")),
        _ => Ok(AllowedOrigin::Subdomain(format!(".{name}{port}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_origins_pass() {
        let origins = AllowedOrigins::parse("https://app.mylg.studio, http://localhost:5173,https://*.preview.mylg.studio").unwrap();
        for listed in ["https://app.mylg.studio", "http://localhost:5173", "https://pr-7.preview.mylg.studio"] {
            assert!(origins.contains(listed), "{listed}");
        }
        for other in [
            "null",
            "",
            "http://app.mylg.studio",
            "https://app.mylg.studio:8443",
            "https://app.mylg.studio.evil.test",
            "http://localhost",
            "http://localhost:5174",
            "http://192.168.1.7:5173",
            "https://preview.mylg.studio",
            "https://.preview.mylg.studio",
            "https://a.b.preview.mylg.studio",
            "http://pr-7.preview.mylg.studio",
            "https://evil.test/.preview.mylg.studio",
            "https://pr-7.preview.mylg.studio:444",
            "https://x@y.preview.mylg.studio",
            "*",
        ] {
            assert!(!origins.contains(other), "{other}");
        }
    }

    #[test]
    fn entries_that_are_no_origins_are_refused() {
        for bad in [
            "",
            "*",
            "null",
            "app.mylg.studio",
            "https://app.mylg.studio/",
            "ftp://x",
            "http://*.mylg.studio",
            "https://*.studio",
            "https://a.*.studio",
            "https://büro.test",
            "https://a..b",
            "https://a.test:",
            "https://a.test:0",
            "https://a.test:70000",
            "https://a.test:http",
            "https://u@a.test",
            "https://[::1",
            "https://[::g]",
            "https://127.1",
            "https://0x7f.1",
            "https://a.test?x",
            "https://*.*.a.test",
            "https://",
        ] {
            assert!(AllowedOrigins::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn entries_are_kept_as_browsers_send_them() {
        for (entry, sent) in [
            ("HTTPS://App.MYLG.Studio", "https://app.mylg.studio"),
            ("https://app.mylg.studio:443", "https://app.mylg.studio"),
            ("http://localhost:80", "http://localhost"),
            ("http://localhost:05173", "http://localhost:5173"),
            ("https://app.mylg.studio:80", "https://app.mylg.studio:80"),
            ("http://[0:0::1]:3000", "http://[::1]:3000"),
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
            ("https://*.Preview.mylg.studio:443", "https://pr-7.preview.mylg.studio"),
            ("https://xn--bro-hoa.test", "https://xn--bro-hoa.test"),
        ] {
            assert!(AllowedOrigins::parse(entry).unwrap().contains(sent), "{entry}");
        }
    }
}
