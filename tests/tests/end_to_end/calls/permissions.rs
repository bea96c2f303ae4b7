//! The permissions of the roles, compared with what the suite's calls need.

use end_to_end::TestStack;
use local_stack::declaration::Permission;

/// The action that moves locks to a tab's other connection, and that ends a surplus connection. All functions share this code, but usually
/// only one of them runs it.
const CLEAN_UP: [&str; 1] = ["PutItem"];

/// Checks that no permission of a role is unused: no action, no pattern of keys, and no prefix of objects. That none is missing is checked at the end of every test
/// stack.
pub(super) fn hold_to_permissions(worlds: &[&TestStack]) {
    let declaration = &worlds[0].stack().declaration;
    let events: Vec<_> = worlds.iter().flat_map(|world| world.stack().records.events()).collect();
    for (name, function) in &declaration.functions {
        let calls = events.iter().filter(|event| event.function == *name).flat_map(|event| event.calls.iter().chain(&event.calls_after));
        let used: Vec<_> = calls.flat_map(|call| &call.accesses).collect();
        for permission in function.permissions.iter().filter(|permission| permission.table.is_some()) {
            let cleans_up = |action: &str| permission.table.as_deref() == Some("connections") && CLEAN_UP.contains(&action);
            for action in permission.actions.iter().filter(|action| !cleans_up(action)) {
                let only = Permission { actions: vec![action.clone()], ..permission.clone() };
                assert!(used.iter().any(|access| only.allows(declaration, access)), "{name} may {action} {permission:?}, and never does");
            }
            for pattern in &permission.leading_keys {
                let only = Permission { leading_keys: vec![pattern.clone()], ..permission.clone() };
                assert!(used.iter().any(|access| only.allows(declaration, access)), "{name} may access {pattern} {permission:?}, and never does");
            }
        }
        let objects: Vec<_> = worlds.iter().flat_map(|world| world.stack().objects.accesses()).filter(|access| access.function == *name).collect();
        for permission in function.permissions.iter().filter(|permission| permission.bucket.is_some()) {
            let is_used =
                |only: &Permission| objects.iter().any(|access| only.allows_object(declaration, &access.action, &access.bucket, &access.key));
            for action in &permission.actions {
                let only = Permission { actions: vec![action.clone()], ..permission.clone() };
                assert!(is_used(&only), "{name} may {action} {permission:?}, and never does");
            }
            for prefix in &permission.prefixes {
                let only = Permission { prefixes: vec![prefix.clone()], ..permission.clone() };
                assert!(is_used(&only), "{name} may access {prefix} {permission:?}, and never does");
            }
        }
    }
}
