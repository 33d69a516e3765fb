// What of the platform's JS library the pages use (sdk/bx24-js-sdk in the documentation). Libraries differ: older ones
// lack some of it, so that frame.js guards every call.

interface BX24Library {
  init(callback: () => void): void;
  fitWindow(callback?: () => void): void;
  /** Width and height are pixels; anything else is cut to a number. */
  resizeWindow?(width: number, height: number, callback?: () => void): void;
  openPath?(path: string, callback?: (answer: { result?: string; errorCode?: string }) => void): void;
  installFinish(): void;
  reloadWindow(callback?: () => void): void;
  userOption: {
    get(name: string): unknown;
    set(name: string, value: string): void;
  };
}

interface Window {
  BX24?: BX24Library;
}
