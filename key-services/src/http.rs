//! HTTP, with a bound on the time and the size of each answer. A server that once did not answer is not asked again.

use std::{
    collections::BTreeMap,
    sync::Mutex,
    thread::sleep,
    time::{Duration, SystemTime},
};

use ureq::{
    Agent, Error, Proxy,
    config::Config,
    http::{HeaderValue, Request},
    tls::{RootCerts, TlsConfig},
};
use zeroize::Zeroizing;

use crate::{
    deadline::Deadline,
    environment::Environment,
    fault::{Fault, Kind},
    origin::Origin,
    proxy::Proxies,
    quote::quote,
    secret::Secret,
    socket,
    trust::Trust,
    unanswered::{explain, is_broken_off},
};

/// The most bytes of an answer: 1 MiB. Answers have a few kilobytes.
const MOST_ANSWER: u64 = 1 << 20;
/// The pauses before a service that is overloaded is asked again.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(600)];

/// What is sent.
pub(crate) struct Question<'a> {
    /// The method.
    pub method: &'a str,
    /// The whole address.
    pub url: &'a str,
    /// The headers beside `Host` and `Content-Length`. Their values may be secret.
    pub headers: Vec<(&'a str, Zeroizing<String>)>,
    /// The body. Empty: none.
    pub body: &'a [u8],
    /// The most time for the answer; the deadline of the run may be sooner.
    pub patience: Duration,
}

/// What came back.
pub(crate) struct Answer {
    /// The status.
    pub status: u16,
    /// The clock of the service, as it says.
    pub date: Option<String>,
    /// What the service wants to see of whoever asks, as it says (`WWW-Authenticate`).
    pub challenge: Option<String>,
    /// The body, which may hold a data key or a token.
    pub body: Secret,
}

impl Answer {
    /// What the clocks say that differ: that of this host, and that of `service`.
    pub(crate) fn clocks(&self, service: &str) -> String {
        let here = humantime::format_rfc3339_seconds(SystemTime::now());
        let there = self.date.as_deref().unwrap_or("another time");
        format!("the clock of this host says {here}, that of {service} {there}")
    }

    /// Whether the clock of the service is `most` or more away from that of this host.
    pub(crate) fn is_of_another_time(&self, most: Duration) -> bool {
        let now = SystemTime::now();
        self.date.as_deref().and_then(time).is_some_and(|there| {
            let distance = now.duration_since(there).or_else(|_| there.duration_since(now));
            distance.is_ok_and(|distance| distance >= most)
        })
    }
}

/// A client for one service, or for several that trust the same authorities.
pub(crate) struct Client {
    /// For servers with TLS, by their proxy if there is one.
    https: Result<Agent, Fault>,
    /// For servers without TLS, by their proxy if there is one.
    http: Result<Agent, Fault>,
    /// For servers that no proxy leads to.
    direct: Agent,
    /// The path of the socket to which `direct` connects, if it is for that one alone.
    socket: Option<String>,
    proxies: Proxies,
    trust: Result<(), Fault>,
    deadline: Deadline,
    /// Servers that did not answer, with what is to be said about them.
    silent: Mutex<BTreeMap<Origin, Fault>>,
}

impl Client {
    /// A client that believes those authorities, and uses the proxies that `environment` names. If `trust` is a fault, only servers without TLS
    /// can be asked.
    pub(crate) fn new(trust: Result<Trust, Fault>, environment: &Environment, deadline: Deadline) -> Self {
        Self::with(trust, Proxies::of(environment), deadline)
    }

    /// A client for servers on this host or beside it, as metadata services are: without TLS and without a proxy.
    pub(crate) fn nearby(deadline: Deadline) -> Self {
        let trust = Err(Fault::new(Kind::Unreachable, "a metadata service is not asked by TLS"));
        Self::with(trust, Proxies::none(), deadline)
    }

    /// A client for the one server that listens at the Unix socket `path`, whatever address it is asked for.
    pub(crate) fn at_socket(path: &str, deadline: Deadline) -> Self {
        Self {
            direct: socket::agent(config(&TlsConfig::default(), None), path),
            socket: Some(path.to_owned()),
            ..Self::nearby(deadline)
        }
    }

    fn with(trust: Result<Trust, Fault>, proxies: Proxies, deadline: Deadline) -> Self {
        let (roots, identity, trust) = match trust {
            Ok(trust) => (trust.roots, trust.identity, Ok(())),
            Err(fault) => (Vec::new(), None, Err(fault)),
        };
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&roots));
        let tls = tls.unversioned_rustls_crypto_provider(rustls::crypto::ring::default_provider().into());
        let tls = tls.client_cert(identity).build();
        let agent = |proxy| config(&tls, proxy).new_agent();
        Self {
            socket: None,
            https: proxies.https.clone().map(agent),
            http: proxies.http.clone().map(agent),
            direct: agent(None),
            proxies,
            trust,
            deadline,
            silent: Mutex::default(),
        }
    }

    /// The deadline of all questions.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Asks, and asks again if the service says that it is overloaded.
    ///
    /// # Errors
    ///
    /// If there is no answer in time. What the service refuses is no error here.
    pub(crate) fn ask(&self, question: &Question<'_>) -> Result<Answer, Fault> {
        self.ask_with_pauses(question, true, is_overloaded)
    }

    /// Asks for what may be used up by it, such as a secret: again only if the service says that it did not serve the question.
    ///
    /// # Errors
    ///
    /// Those of [`Self::ask`].
    pub(crate) fn ask_for_once(&self, question: &Question<'_>) -> Result<Answer, Fault> {
        self.ask_with_pauses(question, false, is_put_off)
    }

    fn ask_with_pauses(&self, question: &Question<'_>, may_repeat: bool, is_later: fn(&Answer) -> bool) -> Result<Answer, Fault> {
        let origin = self.origin(question)?;
        for pause in PAUSES {
            let answer = self.ask_once(&origin, question, may_repeat)?;
            if !is_later(&answer) || self.deadline.remaining() < pause * 2 {
                return Ok(answer);
            }
            sleep(pause);
        }
        self.ask_once(&origin, question, may_repeat)
    }

    /// The server that is asked, if it may be.
    fn origin(&self, question: &Question<'_>) -> Result<Origin, Fault> {
        // The address may have a password in it, so it is not shown.
        let no_address = || {
            Fault::new(
                Kind::Other,
                "an address in the configuration is no address of HTTP, or has a user in it",
            )
        };
        let origin = Origin::of(question.url).ok_or_else(no_address)?;
        if origin.is_https() {
            self.trust.clone()?;
        }
        Ok(origin)
    }

    fn ask_once(&self, origin: &Origin, question: &Question<'_>, may_repeat: bool) -> Result<Answer, Fault> {
        if let Some(fault) = self.silent.lock().ok().and_then(|silent| silent.get(origin).cloned()) {
            return Err(fault);
        }
        let agent = self.agent(origin)?;
        let answer = match self.send(agent, question) {
            // To open a data key twice is no harm.
            Err(error) if may_repeat && is_broken_off(&error) => self.send(agent, question),
            answer => answer,
        };
        answer.map_err(|error| {
            let fault = explain(&error, origin, &self.name(origin), self.deadline);
            let is_silent = fault.kind == Kind::Unreachable && !is_broken_off(&error);
            if let (true, Ok(mut silent)) = (is_silent, self.silent.lock()) {
                silent.entry(origin.clone()).or_insert_with(|| fault.clone());
            }
            fault
        })
    }

    /// What messages call the server.
    fn name(&self, origin: &Origin) -> String {
        self.socket
            .as_ref()
            .map_or_else(|| origin.to_string(), |path| format!("unix://{path}"))
    }

    fn agent(&self, origin: &Origin) -> Result<&Agent, Fault> {
        let agent = match origin {
            origin if self.socket.is_some() || self.proxies.is_exempt(origin) => return Ok(&self.direct),
            origin if origin.is_https() => &self.https,
            _ => &self.http,
        };
        agent.as_ref().map_err(Clone::clone)
    }

    fn send(&self, agent: &Agent, question: &Question<'_>) -> Result<Answer, Error> {
        let mut request = Request::builder().method(question.method).uri(question.url);
        for (name, value) in &question.headers {
            let mut value = HeaderValue::from_str(value).map_err(|error| Error::Http(error.into()))?;
            value.set_sensitive(true);
            request = request.header(*name, value);
        }
        let time = self.deadline.at_most(question.patience).max(Duration::from_millis(1));
        // A name server that is silent is told from a service that is.
        let (time, name) = (Some(time), Some(time.mul_f32(0.8)));
        let mut response = if question.method == "GET" {
            let request = agent.configure_request(request.body(())?);
            agent.run(request.timeout_global(time).timeout_resolve(name).build())?
        } else {
            let request = agent.configure_request(request.body(question.body)?);
            agent.run(request.timeout_global(time).timeout_resolve(name).build())?
        };
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = header("date").map(|date| quote(date, &[]));
        let challenge = header("www-authenticate").map(ToOwned::to_owned);
        let status = response.status().as_u16();
        let body = Secret::from(response.body_mut().with_config().limit(MOST_ANSWER).read_to_vec()?);
        Ok(Answer {
            status,
            date,
            challenge,
            body,
        })
    }
}

/// How servers are asked, by `proxy` if there is one.
fn config(tls: &TlsConfig, proxy: Option<Proxy>) -> Config {
    // A redirection is an answer like another: what identifies this host goes nowhere else.
    let config = Agent::config_builder().tls_config(tls.clone()).proxy(proxy).max_redirects(0);
    let config = config.max_redirects_will_error(false).http_status_as_error(false);
    config.user_agent("sops-key-services").build()
}

/// The time that a header `Date` tells: `Mon, 30 Nov 2026 06:00:00 GMT`.
fn time(date: &str) -> Option<SystemTime> {
    let words = date.split(' ').collect::<Vec<_>>();
    let [_, day, month, year, clock, "GMT"] = words.as_slice() else {
        return None;
    };
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = months.iter().position(|name| name == month)? + 1;
    humantime::parse_rfc3339(&format!("{year}-{month:02}-{day}T{clock}Z")).ok()
}

/// Whether the service says that it did not serve the question, and asks to be asked later.
fn is_put_off(answer: &Answer) -> bool {
    matches!(answer.status, 429 | 503)
}

/// Whether the service asks to be asked later.
fn is_overloaded(answer: &Answer) -> bool {
    let is_throttled = |body: &[u8]| body.windows(7).any(|word| word == b"Throttl");
    matches!(answer.status, 429 | 500 | 502 | 503 | 504) || (answer.status == 400 && is_throttled(answer.body.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_service_is_read() {
        let seconds = |date| Some(time(date)?.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs());
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        for odd in [
            "",
            "now",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 06 Nix 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49 GMT",
        ] {
            assert_eq!(seconds(odd), None, "{odd}");
        }
    }
}
