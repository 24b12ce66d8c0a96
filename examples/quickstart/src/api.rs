//! The JSON API.

mod tokens;

use auth_web::{
    Bearer, CurrentUser, Refusal, Visit,
    axum08::{Mounted, Worded},
    core::{
        Account, AccountStore, Assignment, AssignmentStore, AuditEvent, Clock, Permission, Permit,
        PrincipalId, Resource, SystemClock,
    },
    credentials::{AccountError, PasswordCredential, SignUpError},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    policy::{self, perm},
    setup::App,
};

pub fn routes() -> Router<Mounted<App>> {
    Router::new()
        .route("/api/signup", post(sign_up))
        .route("/api/profile", get(profile))
        .route("/api/users/{id}", get(read_user).delete(delete_user))
        .merge(tokens::routes())
        .layer(DefaultBodyLimit::max(8 * 1024))
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
}

impl Credentials {
    fn presented_by(self, visit: &Visit) -> PasswordCredential {
        PasswordCredential::typed(&self.email, self.password, visit.source())
    }
}

#[derive(Serialize)]
struct Profile {
    id: String,
    email: String,
    roles: Vec<String>,
}

/// The same answer whether or not there was such an account. Nobody is logged in by it.
async fn sign_up(
    State(app): State<App>,
    visit: Visit,
    Worded(Json(body)): Worded<Json<Credentials>>,
) -> Result<Response, Refusal> {
    let email = body.email.clone();
    match app.accounts.sign_up(body.presented_by(&visit)).await {
        Ok(()) => {
            app.ask_to_verify(&email, visit.source()).await?;
            Ok((StatusCode::CREATED, Json(json!({ "status": "ok" }))).into_response())
        }
        Err(error @ (SignUpError::Login(_) | SignUpError::Policy(_))) => {
            let problem = json!({
                "type": "about:blank",
                "title": "Unprocessable Content",
                "status": 422,
                "code": "cannot-be-chosen",
                "detail": error.to_string(),
            });
            let headers = [(header::CONTENT_TYPE, "application/problem+json")];
            Ok((StatusCode::UNPROCESSABLE_ENTITY, headers, problem.to_string()).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn profile(State(app): State<App>, user: CurrentUser) -> Result<Json<Profile>, Refusal> {
    let account = app.directory.by_id(user.principal()).await?.ok_or(Refusal::unauthenticated())?;
    Ok(Json(shown(&app, &account)))
}

async fn read_user(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let user = Resource::one(perm::UsersRead::RESOURCE, &id)?;
    // Before the account is looked up: who may not see accounts does not learn which there are.
    let permit = visit.require::<perm::UsersRead>(&user).await?;
    Ok(match account_of(&app, &permit).await? {
        Some(account) => Json(shown(&app, &account)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

/// Only with a bearer token: no page can make a browser send one.
async fn delete_user(
    State(app): State<App>,
    _: Bearer,
    visit: Visit,
    Path(id): Path<String>,
) -> Result<StatusCode, Refusal> {
    let user = Resource::one(perm::UsersDelete::RESOURCE, &id)?;
    let permit = visit.require::<perm::UsersDelete>(&user).await?;
    Ok(if remove_account(&app, permit).await? { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND })
}

/// Cannot be called without a permit to read, and looks at no account but the permit's.
async fn account_of(app: &App, permit: &Permit<perm::UsersRead>) -> Result<Option<Account>, Refusal> {
    let Some(id) = permit.resource().id() else { return Ok(None) };
    Ok(app.directory.by_id(&PrincipalId::local_user(id)?).await?)
}

/// Cannot be called without a permit to delete, and removes no account but the permit's, with its roles.
async fn remove_account(app: &App, permit: Permit<perm::UsersDelete>) -> Result<bool, Refusal> {
    let Some(id) = permit.resource().id() else { return Ok(false) };
    let id = PrincipalId::local_user(id)?;
    let by = permit.principal();
    let removed = match app.accounts.remove(&id, Some(by), &app.session_store, &app.keys).await {
        Err(AccountError::NoSuchAccount) => false,
        removed => removed?,
    };
    // Also where the account is gone: an earlier try may have broken off here.
    for role in app.assignments.roles_of(&id).await? {
        let assignment = Assignment { principal: id.clone(), role };
        if app.assignments.revoke(&assignment).await? {
            let Assignment { principal, role } = assignment;
            app.audit.record(
                SystemClock.now(),
                &AuditEvent::RoleRevoked { principal, role, by: Some(by.clone()) },
            );
        }
    }
    Ok(removed)
}

fn shown(app: &App, account: &Account) -> Profile {
    let roles = policy::roles_of(&app.policy, &account.id);
    Profile {
        id: account.id.id().to_owned(),
        email: account.login.to_string(),
        roles: roles.iter().map(ToString::to_string).collect(),
    }
}
