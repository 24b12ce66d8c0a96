//! Serves the example; see the library beside it for how to try it.

use actix_web::{App, HttpServer};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = "127.0.0.1:3001".parse()?;
    let (auth, accounts) = example_actix_sessions::build(listen).await?;
    println!(
        "http://{listen}/login (ann@example.com or bob@example.com, \"{}\")",
        example_actix_sessions::PASSWORD
    );
    HttpServer::new(move || {
        App::new()
            .app_data(accounts.clone())
            .configure(example_actix_sessions::routes)
            .wrap(auth.middleware())
    })
    .bind(listen)?
    .run()
    .await?;
    Ok(())
}
