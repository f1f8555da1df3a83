// A screen that shows the dashboard to everyone, without buttons.

const pointerTimeout = 3000; // ms

// startKiosk hides the pointer while nobody moves it, and keeps the screen on if the browser allows it.
export function startKiosk() {
  let hideTimer;
  document.body.classList.add('kiosk');
  addEventListener('pointermove', () => {
    document.body.classList.remove('pointer-hidden');
    clearTimeout(hideTimer);
    hideTimer = setTimeout(() => document.body.classList.add('pointer-hidden'), pointerTimeout);
  });
  const keepScreenOn = () => { if (!document.hidden) navigator.wakeLock?.request('screen').catch(() => {}); };
  document.addEventListener('visibilitychange', keepScreenOn);
  keepScreenOn();
}
