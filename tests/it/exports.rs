//! Exports: users are asked for window by window, from the real store.

use tenantop::model::{Command, Event, Found, Look, Scope, Seen, TextField, UserField, UsersLook};

use crate::world::{Watcher, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_and_a_look_do_not_overtake_each_other() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    let contoso = watcher.key("Contoso");
    let users = watcher.fleet.tenants[&contoso].users.good.as_ref().unwrap().snapshot;
    let window = |from, sort| UsersLook {
        users,
        skus: None,
        filter: String::new(),
        sort,
        reverse: false,
        from,
        count: 5,
        at: None,
    };
    let name = Some(UserField::Text(TextField::DisplayName));
    let mut found = Vec::new();
    for from in [0, 5, 10] {
        let export = Look::Export(Some(window(from, None)));
        let answers = watcher.answers.len();
        for look in [export.clone(), Look::Users(window(from, name))] {
            watcher.client.commands.send(Command::Look(look)).await.unwrap();
        }
        watcher.until(|watcher| watcher.answers.len() >= answers + 2).await;
        let seen: Vec<&Seen> = watcher.answers[answers..]
            .iter()
            .map(|answer| if let Event::Seen(seen) = answer { &**seen } else { panic!("{answer:?}") })
            .collect();
        assert!(seen.iter().any(|seen| matches!(seen.look, Look::Users(_))), "both are answered");
        let export = seen.iter().find(|seen| seen.look == export).expect("both are answered");
        let Ok(Found::Users(users)) = &export.found else { panic!("{export:?}") };
        let known = usize::try_from(from - users.from).unwrap();
        found.extend(users.rows.iter().skip(known).cloned());
    }
    let mut all = Vec::new();
    engine
        .reader()
        .users(users, &mut |user| {
            all.push(user);
            true
        })
        .unwrap();
    assert_eq!((found.len(), &found), (12, &all), "in the order of the snapshot, each once");

    watcher.import(Scope::Tenants(vec![contoso])).await;
    let answers = watcher.answers.len();
    watcher.client.commands.send(Command::Look(Look::Export(Some(window(0, name))))).await.unwrap();
    watcher.until(|watcher| watcher.answers.len() > answers).await;
    let Some(Event::Seen(seen)) = watcher.answers.last() else { panic!("an answer") };
    let why = seen.found.as_ref().unwrap_err();
    assert!(why.contains("a newer import took its place"), "{why}");
}
