//! Old storage keys become files.

use crate::*;

#[tokio::test]
async fn old_keys_become_files_of_the_project() {
    let studio = studio().await;
    let ana = studio.person("ana").await;
    let mut moved = Move::of(&studio, ana.id, &[]);
    let listing = json!({"Contents": [{"Key": "public/cover.jpg", "Size": 10}, {"Key": "public/u/a.pdf", "Size": 20}, {"Key": "public/other.jpg", "Size": 40}]});
    moved.settings.objects = OldObjects::read(&listing.to_string()).unwrap();
    let summary = moved.run(atrium(), json!([])).await;
    let path = moved.project_of(&ana).await;
    let project = ana.get(&path).await.expect(200);
    let (cover, upload) = (project["thumbnails"][0].as_str().unwrap(), project["folders"]["uploads"][0]["url"].as_str().unwrap());
    assert!(cover.starts_with("fil_") && upload.starts_with("fil_"), "{project}");
    // What the old bucket does not have stays a link.
    assert_eq!(project["folders"]["renders"][0]["url"], json!("u/r.png"));
    let files = ana.get(&format!("{path}/files")).await.expect(200);
    let mut listed: Vec<_> =
        files["items"].as_array().unwrap().iter().map(|file| (file["name"].as_str().unwrap(), &file["type"], &file["size"])).collect();
    listed.sort_by_key(|(name, ..)| *name);
    assert_eq!(listed, [("a.pdf", &json!("application/pdf"), &json!(20)), ("cover.jpg", &json!("image/jpeg"), &json!(10))]);
    let copies: Vec<_> = summary.copies.iter().map(|copy| copy.from.as_str()).collect();
    assert_eq!(copies, ["public/cover.jpg", "public/u/a.pdf"]);
    assert!(summary.copies[0].to.starts_with("projects/prj_"), "{:?}", summary.copies);
    // The same export again: the same list of copies.
    assert_eq!(moved.run(atrium(), json!([])).await.copies, summary.copies);
    // The files can be named again.
    ana.patch(&path, json!({"thumbnails": [upload]})).await.expect(200);
}
