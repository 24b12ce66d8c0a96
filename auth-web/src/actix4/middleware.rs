//! Opens a visit before the handler and finishes it after.

use std::{
    future::{Future, Ready, ready},
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::{BoxBody, EitherBody, MessageBody},
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    error::{InternalError, JsonPayloadError, PayloadError, UrlencodedError},
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
};

use crate::{
    Auth, Refusal, Visit,
    answer::{self, Answer, Asker},
    visit::{Finished, Head, HeaderLines},
};

/// Opens and commits sessions. Made by [`Auth::middleware`].
#[derive(Debug, Clone)]
pub struct AuthMiddleware(Auth);

impl AuthMiddleware {
    pub(super) const fn new(auth: Auth) -> Self {
        Self(auth)
    }
}

impl<S, B> Transform<S, ServiceRequest> for AuthMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Transform = AuthService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(AuthService { auth: self.0.clone(), inner }))
    }
}

/// What [`AuthMiddleware`] wraps a service in.
#[derive(Debug)]
pub struct AuthService<S> {
    auth: Auth,
    inner: S,
}

impl<S, B> Service<ServiceRequest> for AuthService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let begun = Visit::begin(&self.auth, &head(&request));
        match begun {
            Ok(visit) => {
                request.extensions_mut().insert(visit.clone());
                let handled = self.inner.call(request);
                Box::pin(async move {
                    match handled.await {
                        Ok(response) => Ok(finish(&visit, response.map_into_left_body()).await),
                        // Handlers do not get here; middleware inside this one that refuses does.
                        Err(error) => {
                            let refused = worded(&visit, &error);
                            let mut response = refused.map_or_else(|| error.error_response(), respond);
                            let finished = visit.finish().await;
                            if let Some(refusal) = &finished.failed {
                                response = respond(visit.answer(refusal));
                            }
                            dress(response.headers_mut(), finished);
                            Err(InternalError::from_response(error, response).into())
                        }
                    }
                })
            }
            Err(answer) => {
                let response = request.into_response(respond(answer)).map_into_right_body();
                Box::pin(ready(Ok(response)))
            }
        }
    }
}

fn head(request: &ServiceRequest) -> Head<'_> {
    let uri = request.uri();
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Head {
        method: request.method().as_str(),
        target: uri.path_and_query().map_or("/", |target| target.as_str()),
        authority: uri.authority().map(|authority| authority.as_str()),
        peer: request.peer_addr().map(|peer| peer.ip()),
        headers: HeaderLines::of(headers),
    }
}

async fn finish<B>(
    visit: &Visit,
    mut response: ServiceResponse<EitherBody<B>>,
) -> ServiceResponse<EitherBody<B>> {
    if let Some(answer) = response.response().error().and_then(|error| worded(visit, error)) {
        response = replace(response, answer);
    }
    let finished = visit.finish().await;
    if let Some(refusal) = &finished.failed {
        // What was promised to be saved was not: whatever the handler said, it is not so.
        response = replace(response, visit.answer(refusal));
    }
    dress(response.headers_mut(), finished);
    response
}

/// What to say in the place of an error: of a refusal, or of a body that the framework's own extractors refuse, in
/// plain text that quotes what the sender wrote.
fn worded(visit: &Visit, error: &Error) -> Option<Answer> {
    if let Some(refusal) = error.as_error::<Refusal>() {
        return Some(visit.answer(refusal.kind()));
    }
    let of_a_body = error.as_error::<JsonPayloadError>().is_some()
        || error.as_error::<UrlencodedError>().is_some()
        || error.as_error::<PayloadError>().is_some();
    let status = error.as_response_error().status_code().as_u16();
    answer::of_a_body(status).filter(|_| of_a_body).map(|malformed| visit.answer(&malformed.into()))
}

/// Puts on the cookie, and what caches must know.
fn dress(headers: &mut HeaderMap, Finished { cookies, consulted, .. }: Finished) {
    for cookie in cookies.iter().flatten().filter_map(|cookie| HeaderValue::from_str(cookie.expose()).ok()) {
        headers.append(header::SET_COOKIE, cookie);
        headers.remove(header::CACHE_CONTROL);
    }
    if consulted && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if consulted {
        let there = headers.get_all(header::VARY).map(HeaderValue::as_bytes);
        if let Some(vary) = answer::varies_by(there) {
            headers.append(header::VARY, HeaderValue::from_static(vary));
        }
    }
}

/// The answer in the place of what a response says, with what others added: CORS, request ids.
fn replace<B>(response: ServiceResponse<EitherBody<B>>, answer: Answer) -> ServiceResponse<EitherBody<B>> {
    let mut reworded = respond(answer);
    for (name, value) in response.headers() {
        let own = reworded.headers().contains_key(name) && *name != header::VARY;
        if !own && !answer::OF_THE_BODY.contains(&name.as_str()) {
            reworded.headers_mut().append(name.clone(), value.clone());
        }
    }
    response.into_response(reworded).map_into_right_body()
}

fn respond(answer: Answer) -> HttpResponse<BoxBody> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status);
    for header in answer.headers {
        response.append_header(header);
    }
    response.body(answer.body)
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// For programs; the middleware words it anew for whoever reads it.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        respond(answer::answer(self.kind(), Asker::PROGRAM))
    }
}
