//! `ripieno login` and `logout`: who somebody is to a server, without a browser on this machine.

use super::{READ_ALL, say, tell};
use crate::client::login::{self, Logins};
use shared::failure::{Failure, FailureKind};

/// Has somebody type a code at the provider of a server, and keeps what it gives.
pub(super) async fn login(server: &str, client: &str, scope: Option<&str>) -> Result<u8, Failure> {
    let logins = Logins::of_user()?;
    let waiting = login::begin(server, client, scope).await?;
    let (page, code) = (&waiting.page, &waiting.code);
    let whole = waiting.whole_page.as_ref().map(|whole| format!("\nor open {whole}")).unwrap_or_default();
    tell(&format!("open {page}\nand type the code {code}{whole}\n"));
    let kept = logins.keep(server, waiting.wait().await?)?;
    say(&format!("logged in to {server}; kept in {}\n", kept.display()));
    Ok(READ_ALL)
}

/// Forgets what is kept for a server, here and at its provider.
pub(super) async fn logout(server: &str) -> Result<u8, Failure> {
    let Some(login) = Logins::of_user()?.take(server)? else {
        return Err(Failure::new(FailureKind::NotFound, format!("nobody is logged in to {server}")));
    };
    // Here it is forgotten whatever the provider says.
    let there = match login.revoke().await {
        Ok(true) => "",
        Ok(false) => "; the provider does not take tokens back: they end by themselves",
        Err(failure) => {
            tell(&format!("ripieno: {failure}\n"));
            "; the provider was not reached, so that the tokens end by themselves"
        }
    };
    say(&format!("logged out of {server}{there}\n"));
    Ok(READ_ALL)
}

/// The token that a command shows to a server: the one that is set, else that of a login.
pub(super) async fn token(server: &str) -> Result<Option<String>, Failure> {
    if let Some(token) = shared::config::var("RIPIENO_TOKEN") {
        return Ok(Some(token));
    }
    // Without a home there is no login.
    let Ok(logins) = Logins::of_user() else { return Ok(None) };
    let login = logins.login(server).await?;
    Ok(login.map(|login| login.token().to_owned()))
}
