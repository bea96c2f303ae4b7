//! Pagination of messages.

use crate::*;

#[tokio::test]
async fn messages_page_completely_in_both_directions() {
    let studio = studio().await;
    let (ana, ben) = (studio.person("ana").await, studio.person("ben").await);
    let path = messages_of(&direct(&ana, &ben).await);
    for n in 1..=23 {
        ana.post(&path, json!({"text": n.to_string()})).await;
    }
    for (start, expected) in [("", (1..=23).rev().collect::<Vec<u64>>()), ("&beforeSeq=6", vec![5, 4, 3, 2, 1]), ("&afterSeq=4", (5..=23).collect())]
    {
        let mut seen = Vec::new();
        let mut query = start.to_owned();
        loop {
            let Answer { status, body: page, .. } = ben.get(&format!("{path}?limit=4{query}")).await;
            assert_eq!(status, 200, "{page}");
            seen.extend(page["items"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()));
            match page["nextCursor"].as_str() {
                Some(cursor) => query = format!("&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{start}");
    }
    for bad in ["?beforeSeq=-1", "?afterSeq=x", "?beforeSeq=1&afterSeq=1", "?senderId=x"] {
        assert_eq!(ben.get(&format!("{path}{bad}")).await.body["code"], json!("invalid_parameter"), "{bad}");
    }
    assert_eq!(ben.get(&format!("{path}?beforeSeq=0")).await.body["items"], json!([]));
}
