// Signing in and passwords are the panel's: where Piccolo Admin would show a page of its own for them, go there.
const pages = { "#/login": "/painel/entrar/?next=/admin/", "#/change-password": "/painel/senha/" };

function look() {
  for (const [hash, page] of Object.entries(pages)) {
    if (location.hash.startsWith(hash)) location.replace(page);
  }
}

for (const name of ["pushState", "replaceState"]) {
  const own = history[name];
  history[name] = function (...args) {
    own.apply(this, args);
    look();
  };
}
addEventListener("hashchange", look);
look();
