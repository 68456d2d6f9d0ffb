import { serveBareRoutes } from './bare-app.ts';

// Its own process.

serveBareRoutes(() => undefined);
