import threading


class Catalog:
    def __init__(self):
        self.lock = threading.Lock()
        self.load = {}

    def lookup(self, name):
        with self.lock:
            if name not in self.load:
                self.init_for(name)
            return self.load[name]

    def init_for(self, name):
        with self.lock:
            self.load[name] = len(name)
