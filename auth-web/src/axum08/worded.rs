//! axum's own extractors, refusing in our words.

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};

use super::{Mounted, layer::is_refused};
use crate::{Refusal, answer};

/// Another extractor, whose refusal of a body is worded like every [`Refusal`]: problem details for programs, a
/// small page for people.
///
/// By themselves, `Json` and `Form` answer plain text, which quotes what the sender wrote.
///
/// ```
/// use auth_web::axum08::{Mounted, Worded};
/// use axum::{Json, Router, routing::post};
///
/// async fn sum(Worded(Json(numbers)): Worded<Json<Vec<u32>>>) -> String {
///     numbers.iter().map(|n| u64::from(*n)).sum::<u64>().to_string()
/// }
///
/// let routes: Router<Mounted<()>> = Router::new().route("/sum", post(sum));
/// ```
///
/// It words the statuses 400, 413, 415 and 422, and leaves every other refusal as it is.
#[derive(Debug, Clone, Copy)]
pub struct Worded<E>(pub E);

impl<S, E> FromRequest<Mounted<S>> for Worded<E>
where
    S: Send + Sync,
    E: FromRequest<Mounted<S>>,
{
    type Rejection = Response;

    async fn from_request(request: Request, state: &Mounted<S>) -> Result<Self, Response> {
        E::from_request(request, state).await.map(Self).map_err(|rejection| {
            let response = rejection.into_response();
            match answer::of_a_body(response.status().as_u16()).filter(|_| !is_refused(&response)) {
                Some(malformed) => Refusal::from(malformed).into_response(),
                None => response,
            }
        })
    }
}
