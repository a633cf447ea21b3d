//! Signing in: the rotated token is kept before it is used, and a certificate does what a secret does.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tenantop::failure::{Class, Owner};
use tenantop::model::{RunState, Scope};

use crate::world::{Watcher, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_token_is_on_disk_before_it_is_used() {
    let scenario = "[[partner]]\nname='emea'\ntrouble=[{ step='customers', delay=20000, times=1 }]\n\
                    [[tenant]]\nname='Contoso'\n";
    let world = World::playing(scenario).await;
    let brought = world.sealed("emea");
    let mut child = world.tenantop().arg("sync").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(20);
    while world.cloud.counters().all("customers") == 0 {
        assert!(Instant::now() < limit, "the customer list was never asked for");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The rotated token was just redeemed for Partner Center; nothing of this run was told to anybody yet.
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(world.cloud.counters().refresh_tokens_seen, 2, "the brought one, then the rotated one");
    assert_ne!(world.sealed("emea"), brought, "the rotated one is on disk");

    let again = world.tenantop().arg("sync").output().unwrap();
    assert!(again.status.success(), "{again:?}");
    let counters = world.cloud.counters();
    assert_eq!(counters.older_refresh_tokens, 0, "the token before the rotated one was not used again");
    assert_eq!(counters.refresh_tokens_seen, 3);
}

/// A certificate and its key in PEM form, in files.
pub(crate) fn certificate(dir: &Path, name: &str) -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let pem = rcgen::CertificateParams::new(vec!["app.example".into()]).unwrap().self_signed(&key).unwrap().pem();
    std::fs::write(dir.join(format!("{name}.pem")), &pem).unwrap();
    let path = dir.join(format!("{name}.key"));
    std::fs::write(&path, key.serialize_pem()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    pem
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_signs_in_and_another_one_does_not() {
    let keys = tempfile::tempdir().unwrap();
    let uploaded = certificate(keys.path(), "uploaded");
    certificate(keys.path(), "other");
    let scenario =
        format!("[[partner]]\nname='emea'\ncertificate=\"\"\"{uploaded}\"\"\"\n[[tenant]]\nname='Contoso'\nusers=12\n");
    let mut world = World::playing(&scenario).await;
    for (name, state) in [("uploaded", RunState::Done), ("other", RunState::Refused)] {
        let partner = &mut world.config.partners[0];
        partner.client_secret_file = None;
        partner.certificate_file = Some(keys.path().join(format!("{name}.pem")));
        partner.private_key_file = Some(keys.path().join(format!("{name}.key")));
        let engine = world.engine();
        let mut watcher = Watcher::of(&engine, "test").await;
        let run = watcher.import(Scope::All(None)).await;
        assert_eq!(run.state, state, "{name}: {run:?}");
        if state == RunState::Refused {
            let failure = &run.refused[0].1;
            assert_eq!((failure.class, failure.owner), (Class::ClientCredential, Owner::Partner), "{failure:?}");
        } else {
            assert_eq!(run.ok, 1);
        }
        drop(watcher);
        engine.stop().await;
    }
}
