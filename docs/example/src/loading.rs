use crate::catalog::Catalog;

impl Catalog {
    pub fn init_for(&self, name: &str) -> u32 {
        self.remember(name, name.len() as u32)
    }

    fn remember(&self, name: &str, load: u32) -> u32 {
        self.load.write().unwrap().insert(name.to_string(), load);
        load
    }
}
