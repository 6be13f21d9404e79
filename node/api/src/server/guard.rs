//! Who may ask over TCP. Pure.
//!
//! A page of another site can have a browser send requests here. `Host` tells such a page that reaches loopback by a name of its
//! own; `Origin` tells it in any other case; and no page knows the token.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::http::header::{AUTHORIZATION, HOST, HeaderMap, HeaderName, ORIGIN};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::token::Token;
use crate::refusal::Refusal;

/// Names of this machine for itself.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What a request must bring.
pub(super) struct Guard {
    token: Token,
    names: Vec<String>,
}

impl Guard {
    pub(super) fn new(token: Token, names: &[String]) -> Self {
        Self { token, names: names.iter().map(|name| name.to_ascii_lowercase()).collect() }
    }

    fn check(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = one(headers, &HOST).filter(|host| self.is_ours(host));
        let host = host.ok_or_else(|| Refusal::forbidden("'Host' is no name of this node"))?;
        if uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(host)) {
            return Err(Refusal::forbidden("the request is for another host"));
        }
        if headers.contains_key(ORIGIN) && !one(headers, &ORIGIN).is_some_and(|origin| is_of(origin, host)) {
            return Err(Refusal::forbidden("pages of other sites may not ask"));
        }
        let given = one(headers, &AUTHORIZATION).and_then(bearer).unwrap_or_default();
        // In constant time, so that how long it takes tells nothing of the token.
        if bool::from(given.as_bytes().ct_eq(self.token.as_bytes())) {
            Ok(())
        } else {
            Err(Refusal::unauthorized())
        }
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        LOCAL.contains(&name.as_str()) || self.names.contains(&name)
    }
}

/// The text of a header that is there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    if all.next().is_some() { None } else { first.to_str().ok() }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether a page of this origin is one of this host.
fn is_of(origin: &str, host: &str) -> bool {
    let of = |scheme: &str| origin.strip_prefix(scheme).is_some_and(|rest| rest.eq_ignore_ascii_case(host));
    of("http://") || of("https://")
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Lets a request through, or refuses it before anything else looks at it.
pub(super) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.check(request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn check(uri: &str, headers: &[(HeaderName, &str)]) -> String {
        let mut map = HeaderMap::new();
        headers.iter().for_each(|(name, value)| {
            map.append(name, HeaderValue::from_str(value).unwrap());
        });
        let guard = Guard::new(Token::parse(TOKEN).unwrap(), &["Shoal.Example".into()]);
        let refused = guard.check(&uri.parse().unwrap(), &map).err();
        refused.map_or("let in".into(), |refusal| refusal.problem().kind.clone())
    }

    fn with_token(host: &str, more: &[(HeaderName, &str)]) -> String {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [&[(HOST, host), (AUTHORIZATION, bearer.as_str())], more].concat();
        check("/v1/node", &headers)
    }

    #[test]
    fn a_host_is_this_machine_or_configured() {
        for host in
            ["localhost", "LOCALHOST:80", "127.0.0.1:4000", "[::1]", "[::1]:4000", "shoal.example:443"]
        {
            assert_eq!(with_token(host, &[]), "let in", "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "localhost:80:80",
            "::1",
            "shoal.example.",
            "127.0.0.2",
            "localhost@evil.example",
            "[::1",
            "localhost:x",
        ] {
            assert_eq!(with_token(host, &[]), "forbidden", "{host}");
        }
        assert_eq!(with_token("localhost", &[(HOST, "localhost")]), "forbidden", "twice");
        assert_eq!(check("/v1/node", &[]), "forbidden", "none");
        let bearer = format!("Bearer {TOKEN}");
        let headers = [(HOST, "localhost"), (AUTHORIZATION, bearer.as_str())];
        assert_eq!(check("http://evil.example/v1/node", &headers), "forbidden");
        assert_eq!(check("http://localhost/v1/node", &headers), "let in");
    }

    #[test]
    fn a_page_is_of_this_host_or_refused() {
        for (host, origin) in
            [("localhost:80", "http://localhost:80"), ("shoal.example", "https://Shoal.example")]
        {
            assert_eq!(with_token(host, &[(ORIGIN, origin)]), "let in", "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://localhost",
            "http://localhost:81",
            "http://evil.example",
            "http://localhost:80.evil.example",
            "file://",
            "localhost:80",
            "http://localhost:80/",
            "ftp://localhost:80",
        ] {
            assert_eq!(with_token("localhost:80", &[(ORIGIN, origin)]), "forbidden", "{origin}");
        }
        let twice = [(ORIGIN, "http://localhost"), (ORIGIN, "http://evil.example")];
        assert_eq!(with_token("localhost", &twice), "forbidden");
    }

    #[test]
    fn without_the_token_nobody_is_let_in() {
        let wrong = ["", "Bearer", "Bearer ", TOKEN, "Basic x", "Bearer 0123", &format!("Bearer {TOKEN}0")];
        for value in wrong {
            let headers = [(HOST, "localhost"), (AUTHORIZATION, value)];
            assert_eq!(check("/v1/node", &headers), "unauthorized", "{value}");
        }
        assert_eq!(check("/v1/node", &[(HOST, "localhost")]), "unauthorized");
        let bearer = format!("bearer {TOKEN}");
        let twice = [(HOST, "localhost"), (AUTHORIZATION, bearer.as_str()), (AUTHORIZATION, "Bearer x")];
        assert_eq!(check("/v1/node", &twice[..2]), "let in");
        assert_eq!(check("/v1/node", &twice), "unauthorized");
    }
}
