//! Opens a visit before the handler and finishes it after.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use auth_core::Refusal as Core;
use axum::{
    body::Body,
    extract::{ConnectInfo, OriginalUri, Request},
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use tower::{Layer, Service};

use crate::{
    Auth, Refusal, Visit,
    answer::{self, Answer, Asker},
    visit::{Finished, Head, HeaderLines, Lines},
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
    I: Service<Request, Response = Response, Error = Infallible, Future: Send + 'static>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match Visit::begin(&self.auth, &head(&request)) {
            Ok(visit) => {
                request.extensions_mut().insert(visit.clone());
                let handled = self.inner.call(request);
                Box::pin(async move {
                    let response = handled.await?;
                    Ok(finish(&visit, response).await)
                })
            }
            Err(answer) => Box::pin(async move { Ok(respond(answer)) }),
        }
    }
}

fn head(request: &Request) -> Head<'_> {
    let headers = request.headers();
    // Inside a nested router the path has lost its front.
    let uri = request.extensions().get::<OriginalUri>().map_or(request.uri(), |original| &original.0);
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    // An extended CONNECT (RFC 8441) is no safe method anyway.
    let upgrade = headers.contains_key(header::UPGRADE);
    let lines = |name: HeaderName| Lines::of(headers.get_all(name).iter().map(HeaderValue::as_bytes));
    Head {
        method: request.method().as_str(),
        target: uri.path_and_query().map_or("/", |target| target.as_str()),
        authority: uri.authority().map(|authority| authority.as_str()),
        peer,
        headers: HeaderLines {
            host: lines(header::HOST),
            authorization: lines(header::AUTHORIZATION),
            user_agent: lines(header::USER_AGENT),
            cookie: headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect(),
            origin: lines(header::ORIGIN),
            sec_fetch_site: lines(HeaderName::from_static("sec-fetch-site")),
            accept: lines(header::ACCEPT),
            upgrade,
            forwarded_for: headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect(),
        },
    }
}

async fn finish(visit: &Visit, mut response: Response) -> Response {
    let refused = response.extensions_mut().remove::<Refused>();
    if let Some(Refused(refusal)) = refused {
        reword(&mut response, visit.answer(&refusal));
    }
    let Finished { cookies, failed, consulted } = visit.finish().await;
    if let Some(refusal) = failed {
        // What was promised to be saved was not: whatever the handler said, it is not so.
        reword(&mut response, visit.answer(&refusal));
    }
    let headers = response.headers_mut();
    for cookie in cookies.into_iter().flatten().filter_map(|cookie| HeaderValue::try_from(cookie).ok()) {
        headers.append(header::SET_COOKIE, cookie);
        headers.remove(header::CACHE_CONTROL);
    }
    if consulted && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    for name in answer::VARIES_BY.into_iter().filter(|_| consulted) {
        if !headers.get_all(header::VARY).iter().any(|value| answer::lists(value.as_bytes(), name)) {
            headers.append(header::VARY, HeaderValue::from_static(name));
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
