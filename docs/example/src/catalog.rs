use std::collections::HashMap;
use std::sync::RwLock;

pub struct Catalog {
    pub load: RwLock<HashMap<String, u32>>,
}

impl Catalog {
    pub fn lookup(&self, name: &str) -> u32 {
        if let Some(load) = self.load.read().unwrap().get(name) {
            *load
        } else {
            self.init_for(name)
        }
    }
}
