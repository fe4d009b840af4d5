mod catalog;
mod loading;
