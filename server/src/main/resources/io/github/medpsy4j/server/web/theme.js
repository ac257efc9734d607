// Before anything is drawn, so that the page does not flash.
try {
  const theme = localStorage.getItem('medpsy.theme');
  if (theme === 'dark' || theme === 'light') {
    document.documentElement.dataset.theme = theme;
  }
} catch {
  // the browser keeps nothing: as the system has it
}
