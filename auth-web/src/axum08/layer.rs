//! Opens a visit before the handler and finishes it after.

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use auth_core::Refusal as Core;
use axum::{
    body::Body,
    extract::{ConnectInfo, OriginalUri, Request},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{self, Entry},
    },
    response::{IntoResponse, Response},
};
use tower::{Layer, Service};

use crate::{
    Auth, Refusal, Visit,
    answer::{self, Answer, Asker},
    visit::{Finished, Head, HeaderLines},
};

#[derive(Debug, Clone)]
pub(super) struct AuthLayer(Auth);

impl AuthLayer {
    pub(super) const fn new(auth: Auth) -> Self {
        Self(auth)
    }
}

impl<I> Layer<I> for AuthLayer {
    type Service = AuthService<I>;

    fn layer(&self, inner: I) -> Self::Service {
        AuthService { auth: self.0.clone(), inner }
    }
}

#[derive(Debug, Clone)]
pub(super) struct AuthService<I> {
    auth: Auth,
    inner: I,
}

impl<I> Service<Request> for AuthService<I>
where
    I: Service<Request, Response = Response, Error = Infallible, Future: Unpin>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Visiting<I::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match Visit::begin(&self.auth, &head(&request)) {
            Ok(visit) => {
                request.extensions_mut().insert(visit.clone());
                Visiting::Handled { visit, by: self.inner.call(request) }
            }
            Err(answer) => Visiting::Refused(ready(respond(answer))),
        }
    }
}

/// What becomes of a request. Only one that has something to write needs a place of its own for that.
pub(super) enum Visiting<F> {
    Handled { visit: Visit, by: F },
    Finished(Pin<Box<dyn Future<Output = Response> + Send>>),
    Refused(Ready<Response>),
}

impl<F: Future<Output = Result<Response, Infallible>> + Unpin> Future for Visiting<F> {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut *self {
                Self::Handled { visit, by } => {
                    let Ok(mut response) = std::task::ready!(Pin::new(by).poll(cx));
                    if let Some(Refused(refusal)) = response.extensions_mut().remove() {
                        reword(&mut response, visit.answer(&refusal));
                    }
                    if let Some(finished) = visit.finish_now() {
                        return Poll::Ready(Ok(dress(visit, response, finished)));
                    }
                    let visit = visit.clone();
                    let finish = async move {
                        let finished = visit.finish().await;
                        dress(&visit, response, finished)
                    };
                    *self = Self::Finished(Box::pin(finish));
                }
                Self::Finished(finish) => return finish.as_mut().poll(cx).map(Ok),
                Self::Refused(answer) => return Pin::new(answer).poll(cx).map(Ok),
            }
        }
    }
}

fn head(request: &Request) -> Head<'_> {
    // Inside a nested router the path has lost its front.
    let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Head {
        // An extended CONNECT (RFC 8441) is no safe method, with or without an `Upgrade` header.
        method: request.method().as_str(),
        target: uri.path_and_query().map_or("/", |target| target.as_str()),
        authority: uri.authority().map(|authority| authority.as_str()),
        peer,
        headers: HeaderLines::of(headers),
    }
}

/// Puts on the cookies, and what caches must know.
fn dress(visit: &Visit, mut response: Response, finished: Finished) -> Response {
    let Finished { cookies, failed, consulted } = finished;
    if let Some(refusal) = failed {
        // What was promised to be saved was not: whatever the handler said, it is not so.
        reword(&mut response, visit.answer(&refusal));
    }
    let headers = response.headers_mut();
    for cookie in cookies.iter().flatten().filter_map(|cookie| HeaderValue::from_str(cookie.expose()).ok()) {
        headers.append(header::SET_COOKIE, cookie);
        headers.remove(header::CACHE_CONTROL);
    }
    if consulted {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        match headers.entry(header::VARY) {
            Entry::Vacant(vary) => {
                vary.insert(HeaderValue::from_static(answer::VARIES_BY));
            }
            Entry::Occupied(mut vary) => {
                if let Some(more) = answer::varies_by(vary.iter().map(HeaderValue::as_bytes)) {
                    vary.append(HeaderValue::from_static(more));
                }
            }
        }
    }
    response
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::empty());
    reword(&mut response, answer);
    response
}

/// Puts the answer in the place of what a response says, and leaves what others added: CORS, request ids.
fn reword(response: &mut Response, answer: Answer) {
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.body_mut() = Body::from(answer.body);
    let headers = response.headers_mut();
    for stale in answer::OF_THE_BODY {
        headers.remove(stale);
    }
    for (name, value) in answer.headers {
        let Ok(value) = HeaderValue::try_from(value) else { continue };
        if name == "vary" {
            if !headers.get_all(header::VARY).iter().any(|there| *there == value) {
                headers.append(header::VARY, value);
            }
        } else if name == "www-authenticate" {
            headers.append(header::WWW_AUTHENTICATE, value);
        } else {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Whether it is one of our refusals already.
pub(super) fn is_refused(response: &Response) -> bool {
    response.extensions().get::<Refused>().is_some()
}

/// Says to the layer which refusal an answer is, so that it is worded for whoever reads it.
#[derive(Debug, Clone)]
struct Refused(Arc<Core>);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let refusal = self.into_kind();
        let mut response = respond(answer::answer(&refusal, Asker::PROGRAM));
        response.extensions_mut().insert(Refused(Arc::new(refusal)));
        response
    }
}
